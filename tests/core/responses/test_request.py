"""A request of the Responses API, and the request of chat completions that asks for the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openai.types.responses import Response, response_input, response_item
from pydantic import TypeAdapter

from proxy.core.chat import Chat, ToolChoice, parse_chat
from proxy.core.responses.request import read_request
from proxy.core.scope import Wish
from proxy.errors import BadRequest, EmptyScope
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES
from tests.core.responses.openai_requests import HELLO, REQUESTS, SCHEMA, texts
from tests.core.responses.samples import (
    CALL,
    CUSTOM,
    FILE_SEARCH,
    FUNCTION,
    HIDDEN,
    RESULT,
    chat,
    fault,
    mint,
    read,
    scope_of,
)
from tests.core.samples import JSON, tool

_ITEM: TypeAdapter[Any] = TypeAdapter(response_item.ResponseItem)
_INPUT: TypeAdapter[Any] = TypeAdapter(str | response_input.ResponseInput)

# One script, told to both APIs


def as_items(message: dict[str, Any]) -> list[dict[str, Any]]:
    """A chat message as a client of this API sends it."""
    role, content = message["role"], message.get("content")
    if role == "tool":
        called = {"call_id": message["tool_call_id"], "output": content}
        return [{"type": "function_call_output", **called}]
    items: list[dict[str, Any]] = []
    if thoughts := message.get("reasoning_content"):
        summary = [{"type": "summary_text", "text": thoughts}]
        items.append({"type": "reasoning", "id": "rs_x", "summary": summary})
    if content is not None:
        items.append({"role": role, "content": content})
    items += [
        {
            "type": "function_call",
            "call_id": call["id"],
            "name": call["function"]["name"],
            "arguments": call["function"]["arguments"],
        }
        for call in message.get("tool_calls", ())
    ]
    return items


@st.composite
def turns(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A question, and what the assistant does about it: thoughts, words, calls and results."""
    messages: list[dict[str, Any]] = [
        {"role": draw(st.sampled_from(["user", "developer", "system"])), "content": draw(texts)}
    ]
    names = draw(st.lists(st.sampled_from(["get_weather", "get_time"]), max_size=3))
    start = draw(st.integers(0, 10**6))
    calls = [
        {
            "id": f"call_{start}_{n}",
            "type": "function",
            "function": {"name": name, "arguments": draw(st.sampled_from(["{}", '{"city":"P"}']))},
        }
        for n, name in enumerate(names)
    ]
    words = draw(st.none() | texts)
    said: dict[str, Any] = {"role": "assistant", "content": words}
    if calls:
        said["tool_calls"] = calls
    if thoughts := draw(st.sampled_from(["", "Hm.", "Let me see.\nYes."])):
        said["reasoning_content"] = thoughts
    if calls or words:
        messages.append(said)
    results = draw(st.permutations(calls)) if calls else []
    return messages + [
        {"role": "tool", "tool_call_id": call["id"], "content": draw(texts)} for call in results
    ]


@given(script=st.lists(turns(), min_size=1, max_size=4))
@settings(deadline=None)
def test_both_apis_make_the_same_messages_of_one_conversation(
    script: list[list[dict[str, Any]]],
) -> None:
    messages = [message for turn in script for message in turn]
    items = [item for message in messages for item in as_items(message)]
    assert chat(input=items).messages == parse_chat({"messages": messages}, WISHES).messages


@given(script=st.lists(turns(), min_size=2, max_size=4), cut=st.integers(1, 3))
@settings(deadline=None)
def test_what_is_stored_and_what_is_sent_make_the_same_messages(
    script: list[list[dict[str, Any]]], cut: int
) -> None:
    items = [[item for message in turn for item in as_items(message)] for turn in script]
    before = [item for turn in items[:cut] for item in turn]
    after = [item for turn in items[cut:] for item in turn]
    stored = read(input=before).items()
    whole = chat(input=before + after).messages
    later = read(input=after, previous_response_id="resp_1")
    assert later.chat(stored).messages == whole


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ({}, {}),
        ({"instructions": "Be brief."}, {}),
        ({"max_output_tokens": 9}, {"max_completion_tokens": 9}),
        ({"temperature": 0.5, "top_p": 1}, {"temperature": 0.5, "top_p": 1}),
        ({"reasoning": {"effort": "low", "summary": "auto"}}, {"reasoning_effort": "low"}),
        ({"text": {"format": {"type": "text"}, "verbosity": "low"}}, {}),
        (
            {"text": {"format": {"type": "json_object"}}},
            {"response_format": {"type": "json_object"}},
        ),
        (
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "schema": SCHEMA},
                }
            },
        ),
        ({"include": ["message.output_text.logprobs"]}, {"logprobs": True}),
        ({"top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}),
        ({"parallel_tool_calls": False}, {"parallel_tool_calls": False}),
        ({"tool_choice": "none"}, {"tool_choice": "none"}),
        ({"model": "docs", "stream": True}, {"model": "docs", "stream": True}),
        (
            {"lighton": {"workspace_id": [42], "retrieval": "hybrid"}},
            {"lighton": {"workspace_id": [42], "retrieval": "hybrid"}},
        ),
        (
            {"tools": [{"type": "function", "name": "f", "parameters": SCHEMA, "strict": True}]},
            {
                "tools": [
                    {
                        "type": "function",
                        "function": {"name": "f", "parameters": SCHEMA, "strict": True},
                    }
                ]
            },
        ),
    ],
)
def test_each_field_means_what_its_like_means_in_a_chat(
    here: dict[str, Any], there: dict[str, Any]
) -> None:
    first = {"role": "system", "content": here["instructions"]} if "instructions" in here else None
    messages = [each for each in (first, *HELLO) if each]
    expected = parse_chat({"messages": messages, **there}, WISHES)
    assert chat(**here) == expected._replace(include_usage=True, has_asides=False)


def test_what_only_openais_own_servers_know_does_not_reach_the_model() -> None:
    known = chat(
        metadata={"a": "b"},
        store=False,
        user="u",
        safety_identifier="s",
        prompt_cache_key="k",
        prompt_cache_retention="24h",
        service_tier="auto",
        truncation="auto",
        stream_options={"include_obfuscation": False},
        include=["reasoning.encrypted_content"],
        client_metadata={"turn": "1"},
    )
    assert known.body == {}


# A request and what it goes on from


def test_a_request_says_what_it_is_to_go_on_from_and_whether_it_is_stored() -> None:
    assert (read().previous, read().store) == (None, True)
    later = read(previous_response_id="resp_1", store=False, include=["file_search_call.results"])
    assert (later.previous, later.store) == ("resp_1", False)
    assert later.include == {"file_search_call.results"}


def test_instructions_come_first_and_before_an_earlier_response() -> None:
    stored = read(instructions="Old.", input="Hi").items()
    later = read(instructions="New.", previous_response_id="resp_1").chat(stored)
    assert [each["content"] for each in later.messages] == ["New.", "Hi", "Hello"]


def test_results_of_calls_go_on_from_the_response_that_made_them() -> None:
    later = read(input=[RESULT], previous_response_id="resp_1")
    stored = read(input=[CALL]).items()
    assert [each["role"] for each in later.chat(stored).messages] == ["assistant", "tool"]
    with pytest.raises(BadRequest, match="No tool call found") as caught:
        later.chat()
    assert caught.value.param == "input[0].call_id"


@pytest.mark.parametrize("kind", ["function_call_output", "custom_tool_call_output"])
def test_a_result_without_its_call_is_called_what_it_is(kind: str) -> None:
    with pytest.raises(BadRequest, match=f"for {kind.replace('_', ' ')} with call_id lost"):
        read(input=[{"type": kind, "call_id": "lost", "output": "sunny"}]).chat()


def test_a_request_may_add_nothing_to_the_response_it_goes_on_from() -> None:
    later = read(input=[], previous_response_id="resp_1")
    assert later.chat(read().items()).messages == HELLO


@pytest.mark.parametrize("nothing", [None, []])
def test_a_request_of_its_own_needs_input(nothing: Any) -> None:
    assert fault(input=nothing).param == "input"


def test_thoughts_alone_are_no_input() -> None:
    assert fault(input=[{"type": "reasoning", "summary": []}]).param == "input"


def test_a_reference_stands_for_a_stored_item() -> None:
    message, said = read(input=[*HELLO, {"role": "assistant", "content": "Hi."}]).items()
    later = read(input=[message, {"type": "item_reference", "id": said["id"]}, *HELLO])
    assert later.references == (said["id"],)
    assert later.items((), {said["id"]: said})[1] == said
    found = later.chat((), {said["id"]: said}).messages
    assert [each["content"] for each in found] == ["Hello", "Hi.", "Hello"]
    assert later.chat([said]).messages == [
        {"role": "assistant", "content": "Hi."},
        *HELLO,
        *HELLO,
    ]
    with pytest.raises(BadRequest, match=f"Item with id '{said['id']}' not found") as caught:
        later.chat()
    assert caught.value.param == "input[1].id"


# What may be searched


def test_a_file_search_narrows_the_scope_and_must_be_met() -> None:
    asked = read(tools=[{**FILE_SEARCH, "max_num_results": 8}])
    assert asked.file_search is not None
    scope = LightOnScope(workspace_id=(42,), max_results=8)
    assert asked.chat().wish == Wish(scope, must_search=True)
    assert asked.chat().tools == ()


def test_a_file_search_and_the_bodys_own_field_narrow_each_other() -> None:
    tools = [{**FILE_SEARCH, "vector_store_ids": ["ws_42", "ws_43"]}]
    own = {"workspace_id": [43, 44], "retrieval": "context"}
    wish = read(tools=tools, lighton=own).chat().wish
    assert wish == Wish(LightOnScope(workspace_id=(43,)), "context", must_search=True)
    with pytest.raises(EmptyScope):
        read(tools=[FILE_SEARCH], lighton=own)


def test_without_a_file_search_the_profile_decides() -> None:
    assert chat(tools=[FUNCTION]).wish == Wish()


def test_a_file_search_can_be_forced_like_the_search_in_a_chat() -> None:
    forced = chat(tools=[FILE_SEARCH], tool_choice={"type": "file_search"})
    assert forced.tool_choice == ToolChoice("named", "lighton_search")


def test_a_clients_tool_may_not_take_the_place_of_the_search_it_asks_for() -> None:
    taken = {"type": "function", "name": "lighton_search"}
    assert fault(tools=[FILE_SEARCH, taken]).param == "tools"
    assert chat(tools=[taken]).declared == {"lighton_search"}


def test_the_most_calls_of_hosted_tools_are_the_most_jobs() -> None:
    assert chat(max_tool_calls=3).max_jobs == 3
    assert chat().max_jobs is None


# Whatever a client sends


@given(
    document=JSON
    | st.fixed_dictionaries(
        {},
        optional={
            "input": JSON | st.lists(st.fixed_dictionaries({"type": JSON}, optional={"id": JSON})),
            "tools": JSON | st.lists(st.fixed_dictionaries({"type": JSON})),
            "tool_choice": JSON,
            "text": JSON,
            "reasoning": JSON,
            "include": JSON,
            "metadata": JSON,
            "stream": JSON,
        },
    )
)
@example({"input": [{"type": ["message"]}]})
@example({"input": [{"type": "message", "role": ["user"]}]})
@example({"input": "a", "tools": [{"type": {}}]})
@example({"input": "a", "tool_choice": {"type": "allowed_tools", "tools": [{}]}})
@example({"input": "a", "include": [{}]})
@settings(deadline=None, max_examples=300)
def test_any_json_is_read_or_refused(document: Any) -> None:
    try:
        asked = read_request(document, WISHES, HIDDEN, scope_of, mint())
        made = asked.chat()
    except BadRequest as error:
        assert error.param or "body" in error.message  # noqa: PT017 - what else may be raised is none
    else:
        assert isinstance(made, Chat)
        assert made.messages


def test_a_mixture_of_tools_keeps_its_order() -> None:
    made = chat(tools=[FUNCTION, FILE_SEARCH, CUSTOM])
    assert [each["function"]["name"] for each in made.tools] == ["get_weather", "apply_patch"]
    assert made.declared == {"get_weather", "apply_patch"}


def test_a_chat_and_a_response_know_a_tool_by_the_same_definition() -> None:
    plain = {"type": "function", **tool("f")["function"]}
    assert chat(tools=[plain]).tools == (tool("f"),)


# Whatever a client may send by OpenAI's types

_ECHOED = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "output": [],
}


@given(document=REQUESTS)
@settings(deadline=None, max_examples=300)
def test_a_request_by_openais_types_is_read_and_its_response_repeats_it_by_them(
    document: dict[str, Any],
) -> None:
    asked = read_request(document, WISHES, HIDDEN, scope_of, mint())
    _INPUT.validate_python(document["input"])
    for item in asked.items():
        _ITEM.validate_python(item, strict=True)
    Response.model_validate({**_ECHOED, **asked.echo}, strict=True)
    made = asked.chat()
    assert made.messages[-1]["role"] == "user"
    names = [each["function"]["name"] for each in made.tools]
    assert made.declared >= set(names)
    assert all(asked.tools.known(name).chat_name == name for name in names)
