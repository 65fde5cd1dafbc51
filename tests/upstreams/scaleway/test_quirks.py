from __future__ import annotations

import itertools
import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.wire import Delta, Message
from proxy.upstreams.scaleway.quirks import Fault, fit_chunk, fit_request, read_fault
from proxy.upstreams.scaleway.schema import SentChunk
from tests.upstreams.json_documents import json_values, unhurried

LLAMA = "llama-3.3-70b-instruct"
QWEN = "qwen3-235b-a22b-instruct-2507"
MISTRAL = "mistral-small-3.2-24b-instruct-2506"
STRICT_MODELS = [
    MISTRAL,
    "mistral-medium-3.5-128b",
    "devstral-2-123b-instruct-2512",
    "magistral-small-2509",
    "ministral-8b-2410",
    "codestral-22b",
    "pixtral-12b-2409",
    "mixtral-8x7b-instruct-v0.1",
    "Mistral-Nemo",
]
LONG_ID = "chatcmpl-tool-0123456789abcdef0123456789abcdef"
NINE = re.compile(r"[a-zA-Z0-9]{9}")


def message(role: str, content: Any = "x", **more: Any) -> Any:
    return {"role": role, "content": content, **more}


def fitted(model: str, *messages: Message) -> Any:
    return fit_request({"model": model, "messages": list(messages)}, frozenset())["messages"]


def calling(*ids: str) -> Any:
    function = {"name": "f", "arguments": "{}"}
    calls = [{"id": each, "type": "function", "function": function} for each in ids]
    return message("assistant", None, tool_calls=calls)


# Parameters


def test_listed_parameters_are_dropped_and_all_others_stay() -> None:
    body: Any = {
        "model": LLAMA,
        "messages": [message("user")],
        "n": 1,
        "user": "u",
        "temperature": 0.5,
        "max_completion_tokens": 7,
        "unheard_of": {"a": [1]},
    }
    assert fit_request(body, frozenset({"n", "user", "logit_bias"})) == {
        "model": LLAMA,
        "messages": [message("user")],
        "temperature": 0.5,
        "max_completion_tokens": 7,
        "unheard_of": {"a": [1]},
    }


@pytest.mark.parametrize("model", [LLAMA, MISTRAL])
def test_the_request_itself_is_left_alone(model: str) -> None:
    body: Any = {
        "model": model,
        "messages": [
            message("user", name="ann"),
            message("user"),
            message("developer"),
            calling(LONG_ID),
            message("tool", tool_call_id=LONG_ID),
        ],
        "n": 1,
    }
    before = orjson.dumps(body)
    fit_request(body, frozenset({"n"}))
    assert orjson.dumps(body) == before


# Roles


@pytest.mark.parametrize("model", [LLAMA, QWEN, MISTRAL, "gpt-oss-120b"])
def test_the_developer_role_becomes_the_system_role(model: str) -> None:
    assert fitted(model, message("developer", "be brief"), message("user")) == [
        message("system", "be brief"),
        message("user"),
    ]


@pytest.mark.parametrize("model", [LLAMA, QWEN, "gemma-4-26b-a4b-it", "gpt-oss-120b"])
def test_other_models_take_messages_as_they_come(model: str) -> None:
    messages = [
        message("user", "one", name="ann"),
        message("user", "two"),
        message("system", "late"),
    ]
    assert fitted(model, *messages) == messages


@pytest.mark.parametrize("model", STRICT_MODELS)
def test_mistral_models_get_one_system_message_and_it_comes_first(model: str) -> None:
    messages = [
        message("user", "hello"),
        message("system", "one"),
        message("assistant", "hi"),
        message("developer", [{"type": "text", "text": "two"}]),
        message("user", "go on"),
    ]
    assert fitted(model, *messages) == [
        message("system", "one\n\ntwo"),
        message("user", "hello"),
        message("assistant", "hi"),
        message("user", "go on"),
    ]


def test_a_late_system_message_is_moved_to_the_front() -> None:
    assert fitted(MISTRAL, message("user"), message("system", "late")) == [
        message("system", "late"),
        message("user"),
    ]


def test_a_single_system_message_in_front_stays_as_it_is() -> None:
    parts = [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}]
    assert fitted(MISTRAL, message("system", parts), message("user")) == [
        message("system", parts),
        message("user"),
    ]


def test_names_are_removed_for_mistral_models_except_those_of_tools() -> None:
    tool = message("tool", tool_call_id="aaaaaaaaa", name="f")
    messages = [message("user", name="ann"), calling("aaaaaaaaa") | {"name": "bot"}, tool]
    assert fitted(MISTRAL, *messages) == [message("user"), calling("aaaaaaaaa"), tool]


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
TEXT = {"type": "text", "text": "one"}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("one", "two", "one\n\ntwo"),
        ("one", [IMAGE], [TEXT, IMAGE]),
        ([TEXT], [IMAGE], [TEXT, IMAGE]),
        ([IMAGE], "one", [IMAGE, TEXT]),
        ([IMAGE], "", [IMAGE]),
        (None, [IMAGE], [IMAGE]),
        (None, None, []),
    ],
)
def test_user_messages_in_a_row_become_one_for_mistral_models(
    first: Any, second: Any, expected: Any
) -> None:
    messages = [message("user", first), message("user", second)]
    assert fitted(MISTRAL, *messages) == [message("user", expected)]


def test_any_number_of_user_messages_in_a_row_become_one() -> None:
    messages = [message("user", str(number)) for number in range(4)]
    assert fitted(MISTRAL, *messages) == [message("user", "0\n\n1\n\n2\n\n3")]


def test_user_messages_that_a_system_message_kept_apart_become_one() -> None:
    messages = [message("user", "one"), message("system", "s"), message("user", "two")]
    assert fitted(MISTRAL, *messages) == [message("system", "s"), message("user", "one\n\ntwo")]


@unhurried
@given(
    st.lists(
        st.builds(
            message,
            st.sampled_from(["system", "developer", "user", "assistant"]),
            st.text(min_size=1) | st.just([IMAGE]),
            name=st.just("ann"),
        ),
        min_size=1,
    )
)
def test_any_conversation_is_made_fit_for_mistral_models(messages: list[Message]) -> None:
    roles = [each["role"] for each in fitted(MISTRAL, *messages)]
    assert "system" not in roles[1:]
    assert "developer" not in roles
    assert all(pair != ("user", "user") for pair in itertools.pairwise(roles))
    assert not any("name" in each for each in fitted(MISTRAL, *messages))
    assert roles.count("assistant") == sum(each["role"] == "assistant" for each in messages)


# Tool-call ids


@pytest.mark.parametrize("model", [LLAMA, MISTRAL])
def test_a_call_and_its_result_have_one_id_of_nine_characters_whatever_model_is_named(
    model: str,
) -> None:
    call, result = fitted(model, calling(LONG_ID), message("tool", tool_call_id=LONG_ID))
    call_id = call["tool_calls"][0]["id"]
    assert NINE.fullmatch(call_id)
    assert result["tool_call_id"] == call_id
    assert call["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}


@unhurried
@given(st.lists(st.text(), unique=True, min_size=1, max_size=8))
def test_ids_of_different_calls_stay_different(ids: list[str]) -> None:
    results = [message("tool", tool_call_id=each) for each in ids]
    call, *answers = fitted(MISTRAL, calling(*ids), *results)
    called = [each["id"] for each in call["tool_calls"]]
    assert all(map(NINE.fullmatch, called))
    assert [each["tool_call_id"] for each in answers] == called
    assert len(set(called)) == len(ids)


def test_an_id_of_nine_characters_stays_as_it_is() -> None:
    messages = [calling("aB3dE6gH9"), message("tool", tool_call_id="aB3dE6gH9")]
    assert fitted(MISTRAL, *messages) == messages


@pytest.mark.parametrize("call_id", ["aB3dE6gH", "aB3dE6gH90", "aB3-E6gH9", "aB3dE6gH9\n", ""])
def test_an_id_that_only_looks_like_nine_characters_is_replaced(call_id: str) -> None:
    call = fitted(MISTRAL, calling(call_id))[0]["tool_calls"][0]
    assert NINE.fullmatch(call["id"])
    assert call["id"] != call_id


def test_an_empty_list_of_calls_is_no_problem() -> None:
    messages = [message("user"), message("assistant", tool_calls=[])]
    assert fitted(MISTRAL, *messages) == messages


# Reasoning


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        ({"reasoning": "hm"}, {"reasoning_content": "hm"}),
        ({"reasoning_content": "hm"}, {"reasoning_content": "hm"}),
        ({"reasoning": "hm", "reasoning_content": None}, {"reasoning_content": "hm"}),
        ({"reasoning": "hm", "reasoning_content": "hm"}, {"reasoning_content": "hm"}),
        ({"reasoning": None, "reasoning_content": "hm"}, {"reasoning_content": "hm"}),
        ({"reasoning": None}, {"reasoning_content": None}),
        ({"content": "yes"}, {"content": "yes"}),
    ],
)
def test_reasoning_has_one_name(delta: Delta, expected: Delta) -> None:
    assert fit_chunk({"choices": [{"delta": delta}]}) == {"choices": [{"delta": expected}]}


@pytest.mark.parametrize("chunk", [{}, {"choices": None}, {"choices": []}, {"choices": [{}]}])
def test_a_chunk_without_a_delta_stays_as_it_is(chunk: SentChunk) -> None:
    assert fit_chunk(chunk.copy()) == chunk


# Errors


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"error": {"message": "No.", "type": "t", "param": "stop", "code": 400}},
            Fault("No.", "stop"),
        ),
        (
            {"object": "error", "message": "No.", "type": "t", "param": None, "code": 400},
            Fault("No."),
        ),
        (
            {"status": 429, "error": "INSUFFICIENT QUOTA", "message": "Too many at once."},
            Fault("Too many at once."),
        ),
        ({"status": 429, "error": "INSUFFICIENT QUOTA"}, Fault("INSUFFICIENT QUOTA")),
        (
            [
                {"loc": ["body", "tools", 0, "type"], "msg": "Field required", "type": "missing"},
                {"loc": ["body", "stop"], "msg": "Bad stop", "type": "value_error"},
            ],
            Fault("tools.0.type: Field required; stop: Bad stop", "tools.0.type"),
        ),
        (
            {"detail": [{"loc": ["body"], "msg": "Bad JSON", "type": "json_invalid"}]},
            Fault("Bad JSON"),
        ),
    ],
)
def test_the_shapes_of_scaleways_errors_are_understood(document: Any, expected: Fault) -> None:
    assert read_fault(orjson.dumps(document)) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html><head><TITLE>\n502 Bad Gateway </TITLE></head></html>", "502 Bad Gateway"),
        (b"<html><body>no title</body></html>", ""),
        (b"<title>\xff</title>", "\N{REPLACEMENT CHARACTER}"),
        (b"upstream connect error", ""),
        (b"", ""),
        (b"null", ""),
        (b"[]", ""),
        (b"{}", ""),
        (b'["no"]', ""),
        (b'{"error": {}}', ""),
        (b'{"error": {"message": 5, "param": 6}}', ""),
        (b'[{"loc": 5, "msg": null}]', ""),
    ],
)
def test_the_message_of_any_other_body_is_what_can_be_made_of_it(body: bytes, message: str) -> None:
    assert read_fault(body) == Fault(message)


@unhurried
@given(json_values(keys=("error", "message", "detail", "loc", "msg", "param", "object")))
def test_any_error_body_can_be_read(document: Any) -> None:
    fault = read_fault(orjson.dumps(document))
    assert isinstance(fault.message, str)
    assert fault.param is None or isinstance(fault.param, str)


@unhurried
@given(st.binary())
def test_any_bytes_can_be_read_as_an_error_body(body: bytes) -> None:
    assert isinstance(read_fault(body).message, str)


def test_of_a_huge_error_page_only_the_beginning_is_looked_at() -> None:
    assert read_fault(b"<title>Bad gateway</title>" + b"<title" * 50_000) == Fault("Bad gateway")
    assert read_fault(b"<title" * 50_000 + b"<title>Bad gateway</title>") == Fault("")


def test_a_title_has_no_attributes_of_any_length() -> None:
    assert read_fault(b"<title " + b"x" * 199 + b">Found</title>") == Fault("Found")
    assert read_fault(b"<title " + b"x" * 200 + b">Found</title>") == Fault("")


def test_user_messages_in_a_row_keep_their_order_whatever_their_contents_are() -> None:
    image = {"type": "image_url", "image_url": {"url": "x"}}
    contents = ["one", "two", None, [image], "three"]
    messages = [message("user", each) for each in contents]
    (merged,) = fitted(MISTRAL, *messages)
    texts = [{"type": "text", "text": each} for each in ("one\n\ntwo", "three")]
    assert merged["content"] == [texts[0], image, texts[1]]
