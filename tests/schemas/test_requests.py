"""A body that the proxy takes is valid by its schema, and what the schema refuses is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.chat import (
    FIELD_TYPES,
    MAX_CALLS,
    MAX_MESSAGES,
    MAX_NAME_CHARS,
    MAX_PARTS,
    MAX_TOOLS,
    parse_chat,
)
from proxy.core.responses.fields import FIELD_TYPES as RESPONSE_TYPES
from proxy.core.responses.request import read_request
from proxy.core.store_search import read_store_search
from proxy.errors import BadRequest
from proxy.upstreams.lighton.file_search import scope_of
from proxy.upstreams.lighton.store_terms import STORE_TERMS
from proxy.upstreams.lighton.wish import WISHES
from tests.schemas.described import document, faults

CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f"}}],
        },
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "x"}]},
    ],
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "lighton": {"workspace_id": [1]},
    "vendor_field": 1,
}
ITEMS: list[dict[str, Any]] = [
    {"role": "user", "content": "Hi"},
    {
        "type": "message",
        "role": "system",
        "content": [{"type": "input_text", "text": "x"}],
        "id": None,
    },
    {
        "role": "user",
        "content": [{"type": "input_image", "image_url": "https://x/", "detail": "low"}],
    },
    {
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "x"}, {"type": "refusal", "refusal": "no"}],
    },
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "x"}]},
    {"type": "function_call", "call_id": "a", "name": "f", "arguments": "", "namespace": "n"},
    {"type": "function_call_output", "call_id": "a", "output": "x"},
    {"type": "custom_tool_call", "call_id": "b", "name": "g", "input": "x"},
    {
        "type": "custom_tool_call_output",
        "call_id": "b",
        "output": [{"type": "input_text", "text": "x"}],
    },
    {"type": "file_search_call", "id": "fs_1", "queries": ["x"], "results": None},
    {"type": "item_reference", "id": "msg_1"},
    {"id": "msg_2"},
]
RESPONSE: dict[str, Any] = {
    "model": "m",
    "input": ITEMS,
    "tools": [
        {"type": "file_search", "vector_store_ids": ["ws_1"], "max_num_results": 3},
        {"type": "function", "name": "f", "parameters": {}},
        {"type": "custom", "name": "g"},
    ],
    "metadata": {"a": "b"},
    "include": ["file_search_call.results"],
    "max_tool_calls": 1,
    "truncation": "auto",
}
SEARCH: dict[str, Any] = {
    "query": ["a", "b"],
    "filters": {
        "type": "and",
        "filters": [
            {"type": "eq", "key": "a", "value": 1},
            {"type": "in", "key": "b", "value": ["x"]},
        ],
    },
    "ranking_options": {"ranker": "auto", "score_threshold": 0.5},
    "max_num_results": 3,
    "rewrite_query": False,
    "lighton": {"tag_id": [1]},
}
NEEDED = {"role", "content", "call_id", "name", "arguments", "output", "input"}
"""Without these, an item that has them is none."""
REFUSED = {"type": "refusal", "refusal": "no"}
IMAGE = {"type": "input_image", "image_url": "https://x/"}
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-1, 3),
        st.just(0.5),
        st.sampled_from(["", "x", "auto", "user", "tool", "message", "input_text"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(["type", "name", "role", "id", "function"]), inner, max_size=2
        ),
    ),
    max_leaves=4,
)


def ids(prefix: str) -> str:
    return f"{prefix}_1"


def takes_chat(body: object) -> bool:
    return _takes(lambda: parse_chat(body, WISHES))


def takes_response(body: object) -> bool:
    return _takes(lambda: read_request(body, WISHES, frozenset(), scope_of, ids))


def takes_search(body: object) -> bool:
    return _takes(lambda: read_store_search(body, STORE_TERMS, WISHES, 100))


def _takes(read: Any) -> bool:
    try:
        read()
    except BadRequest:
        return False
    return True


KINDS = {
    "ChatRequest": (CHAT, takes_chat),
    "ResponseRequest": (RESPONSE, takes_response),
    "StoreSearchRequest": (SEARCH, takes_search),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_rich_request_is_taken_and_valid(name: str) -> None:
    body, takes = KINDS[name]
    assert takes(body)
    assert not faults(name, body)


def changed(value: Any, draw: st.DrawFn) -> Any:
    if isinstance(value, dict) and value and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(value)))
        return {**value, name: changed(value[name], draw)}
    if isinstance(value, list) and value and draw(st.booleans()):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], changed(value[place], draw), *value[place + 1 :]]
    return draw(VALUES)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, Any]:
    name = draw(st.sampled_from(sorted(KINDS)))
    body = dict(KINDS[name][0])
    fields = [*document()["components"]["schemas"][name]["properties"]]
    for _ in range(draw(st.integers(1, 2))):
        field = draw(st.sampled_from(fields))
        body[field] = changed(body.get(field), draw)
    return name, body


@given(bodies())
def test_the_schema_refuses_nothing_that_the_proxy_takes(case: tuple[str, Any]) -> None:
    name, body = case
    if KINDS[name][1](body):
        assert not faults(name, body)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        *(
            ("ChatRequest", {field: {"a": []} if dict not in types else 7})
            for field, types in FIELD_TYPES.items()
        ),
        *(
            ("ResponseRequest", {field: {"a": []} if dict not in types else 7})
            for field, types in RESPONSE_TYPES.items()
        ),
        ("ChatRequest", {"messages": []}),
        ("ChatRequest", {"messages": [{"role": "robot"}]}),
        ("ChatRequest", {"messages": [{"role": "tool", "content": "x"}]}),
        ("ChatRequest", {"n": 2}),
        ("ChatRequest", {"lighton": {"workspaces": [1]}}),
        ("ChatRequest", {"tools": [{"type": "function", "function": {}}]}),
        ("ResponseRequest", {"max_output_tokens": 0}),
        ("ResponseRequest", {"include": ["all"]}),
        ("ResponseRequest", {"metadata": {"a": 1}}),
        ("ResponseRequest", {"truncation": "some"}),
        ("ResponseRequest", {"tools": [{"type": "file_search"}]}),
        (
            "ResponseRequest",
            {"tools": [{"type": "file_search", "vector_store_ids": ["ws_1"], "filter": {}}]},
        ),
        (
            "ResponseRequest",
            {
                "tools": [
                    {
                        "type": "file_search",
                        "vector_store_ids": ["ws_1"],
                        "ranking_options": {"score_threshold": 2},
                    }
                ]
            },
        ),
        ("ResponseRequest", {"background": True}),
        *(
            ("ResponseRequest", {"input": [{**item, name: wrong}]})
            for item in ITEMS
            for name, wrong in (
                ("type", "computer_call"),
                ("type", ""),
                ("id", 1),
                ("status", 1),
                *((each, None) for each in NEEDED & item.keys()),
            )
        ),
        ("ResponseRequest", {"input": [{"role": "tool", "content": "x"}]}),
        ("ResponseRequest", {"input": [{"role": "user", "content": [{"type": "input_file"}]}]}),
        ("ResponseRequest", {"input": [{"role": "user", "content": [REFUSED]}]}),
        ("ResponseRequest", {"input": [{"role": "assistant", "content": [IMAGE]}]}),
        ("ResponseRequest", {"input": [{"type": "reasoning", "summary": ["x"]}]}),
        ("StoreSearchRequest", {"query": []}),
        ("StoreSearchRequest", {"filter": {}}),
        ("StoreSearchRequest", {"max_num_results": 51}),
        ("StoreSearchRequest", {"filters": {"type": "ne", "key": "a", "value": 1}}),
        ("StoreSearchRequest", {"ranking_options": {"threshold": 1}}),
    ],
)
def test_what_is_wrong_is_refused_by_both(name: str, change: dict[str, Any]) -> None:
    body = {**KINDS[name][0], **change}
    assert not KINDS[name][1](body)
    assert faults(name, body)


def test_requests_that_are_passed_on_name_a_model_and_what_it_works_on() -> None:
    assert not faults("EmbeddingRequest", {"model": "m", "input": ["a"], "dimensions": 3})
    assert faults("EmbeddingRequest", {"input": "a"})
    assert not faults("RerankRequest", {"model": "m", "query": "q", "documents": ["a"]})
    assert faults("RerankRequest", {"model": "m", "query": "q"})


CALL = {"id": "a", "type": "function", "function": {"name": "f"}}
PART = {"type": "text", "text": "x"}


@pytest.mark.parametrize(
    ("name", "field", "most", "value_of"),
    [
        ("ChatRequest", "model", MAX_NAME_CHARS, "m".__mul__),
        ("ChatRequest", "messages", MAX_MESSAGES, [{"role": "user", "content": "x"}].__mul__),
        ("ChatRequest", "tools", MAX_TOOLS, CHAT["tools"].__mul__),
        (
            "ChatRequest",
            "messages",
            MAX_PARTS,
            lambda count: [{"role": "user", "content": [PART] * count}],
        ),
        (
            "ChatRequest",
            "messages",
            MAX_CALLS,
            lambda count: [{"role": "assistant", "tool_calls": [CALL] * count}],
        ),
        ("ResponseRequest", "tools", MAX_TOOLS, lambda n: [of_client(each) for each in range(n)]),
        ("ResponseRequest", "input", MAX_MESSAGES, ITEMS[:1].__mul__),
        (
            "ResponseRequest",
            "input",
            MAX_PARTS,
            lambda count: [{"role": "user", "content": [{"type": "text", "text": ""}] * count}],
        ),
        ("ResponseRequest", "input", MAX_NAME_CHARS, lambda n: [{**ITEMS[0], "id": "f" * n}]),
        ("ResponseRequest", "include", 100, ["reasoning.encrypted_content"].__mul__),
        ("ResponseRequest", "metadata", 16, lambda count: {str(n): "" for n in range(count)}),
        ("ResponseRequest", "previous_response_id", 512, "r".__mul__),
        ("StoreSearchRequest", "query", 8, ["x"].__mul__),
        ("StoreSearchRequest", "max_num_results", 50, int),
        ("ChatRequest", "lighton", 50, lambda most: {"max_results": most}),
        ("ChatRequest", "lighton", 1_000, lambda count: {"tag_id": [1] * count}),
        ("ChatRequest", "lighton", 500, lambda count: {"attribute": ["a" * count]}),
    ],
)
def test_limits_are_those_of_the_proxy(
    name: str, field: str, most: int, value_of: Callable[[int], Any]
) -> None:
    body, takes = KINDS[name]
    for count in (most, most + 1):
        asked = {**body, field: value_of(count)}
        assert takes(asked) == (count == most)
        assert bool(faults(name, asked)) == (count > most)


def of_client(number: int) -> dict[str, Any]:
    return {"type": "function", "name": f"f{number}"}
