from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.wire import Message
from proxy.upstreams.scaleway.dialect import fit_messages
from tests.upstreams.json_documents import unhurried

LLAMA = "llama-3.3-70b-instruct"
QWEN = "qwen3.5-397b-a17b"
GEMMA = "gemma-4-26b-a4b-it"
MISTRAL = "mistral-small-3.2-24b-instruct-2506"
MODELS = [LLAMA, QWEN, GEMMA, MISTRAL, "gpt-oss-120b", "deepseek-v4-flash-0731", "unheard-of"]
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
    "llama-3.1-8b-instruct",
]
LONG_ID = "chatcmpl-tool-0123456789abcdef0123456789abcdef"
NINE = re.compile(r"[a-zA-Z0-9]{9}")


def message(role: str, content: Any = "x", **more: Any) -> Any:
    return {"role": role, "content": content, **more}


def fitted(model: str, *messages: Message, tools: Any = ()) -> Any:
    return fit_messages(model, messages, tools)


def calling(*ids: str, content: Any = None, **function: Any) -> Any:
    function = {"name": "f", "arguments": "{}", **function}
    calls = [{"id": each, "type": "function", "function": function} for each in ids]
    return message("assistant", content, tool_calls=calls)


def result(content: Any = "sunny", **more: Any) -> Any:
    return message("tool", content, tool_call_id="aaaaaaaaa", **more)


# Roles


@pytest.mark.parametrize("model", [LLAMA, QWEN, MISTRAL, "gpt-oss-120b"])
def test_the_developer_role_becomes_the_system_role(model: str) -> None:
    assert fitted(model, message("developer", "be brief"), message("user")) == [
        message("system", "be brief"),
        message("user"),
    ]


@pytest.mark.parametrize("model", [LLAMA, QWEN, GEMMA, "gpt-oss-120b"])
def test_other_models_take_users_with_names_in_a_row_and_after_a_result(model: str) -> None:
    messages = [
        message("user", "one", name="ann"),
        message("user", "two"),
        calling("aaaaaaaaa"),
        result(name="f"),
        message("user", "three"),
    ]
    assert fitted(model, *messages) == messages


@pytest.mark.parametrize("model", MODELS)
def test_every_model_gets_one_system_message_and_it_comes_first(model: str) -> None:
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
    messages = [message("system", parts), message("user")]
    assert fitted(LLAMA, *messages) == messages


@pytest.mark.parametrize("model", STRICT_MODELS)
def test_mistral_models_get_no_field_that_they_forbid(model: str) -> None:
    parts = [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]
    call = calling("aaaaaaaaa") | {"name": "bot", "refusal": None}
    messages = [
        message("system", parts),
        message("user", [*parts, IMAGE], name="ann"),
        call,
        result(name="f", is_error=False),
    ]
    text = {"type": "text", "text": "x"}
    assert fitted(model, *messages) == [
        message("system"),
        message("user", [text, IMAGE]),
        calling("aaaaaaaaa"),
        result(),
    ]


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_mistral_models_get_their_reasoning_back(name: str) -> None:
    thought = calling("aaaaaaaaa") | {name: "hm"}
    expected = calling("aaaaaaaaa") | {"reasoning_content": "hm"}
    assert fitted(MISTRAL, thought, result()) == [expected, result()]


@pytest.mark.parametrize("model", STRICT_MODELS)
def test_between_a_result_and_a_user_message_a_mistral_model_says_something(model: str) -> None:
    said = message("assistant", "Understood.")
    turn = [calling("aaaaaaaaa"), result()]
    expected = [message("user"), *turn, said, message("user", "one\n\ntwo")]
    users = [message("user", "one"), message("user", "two")]
    assert fitted(model, message("user"), *turn, *users) == expected
    late = message("system", "s")
    assert fitted(model, message("user"), *turn, late, *users) == [late, *expected]


def test_a_result_that_ends_a_history_or_comes_before_an_answer_is_followed_by_nothing() -> None:
    messages = [message("user"), calling("aaaaaaaaa"), result(), message("assistant", "yes")]
    assert fitted(MISTRAL, *messages[:3]) == messages[:3]
    assert fitted(MISTRAL, *messages) == messages


# Parts


@pytest.mark.parametrize("model", MODELS)
def test_results_and_answers_in_parts_become_text(model: str) -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    messages = [calling("aaaaaaaaa", content=parts), result(parts), message("assistant", parts)]
    assert fitted(model, *messages) == [
        calling("aaaaaaaaa", content="one\ntwo"),
        result("one\ntwo"),
        message("assistant", "one\ntwo"),
    ]


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([], ""),
        (["plain", 5, None, {}], "plain"),
        ([{"type": "refusal", "refusal": "No."}], "No."),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}], ""),
        ([{"type": "reasoning", "text": "hm"}, {"type": "text", "text": "yes"}], "yes"),
        ([{"type": "text"}], ""),
        ([{"type": "text", "text": "see:"}, {"type": "image_url"}], "see:\n[image_url left out]"),
    ],
)
def test_of_other_parts_it_is_said_that_they_are_left_out(parts: Any, text: str) -> None:
    assert fitted(LLAMA, result(parts)) == [result(text)]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("role", ["user", "assistant", "tool", "system"])
def test_null_stands_only_beside_calls(model: str, role: str) -> None:
    id_ = {"tool_call_id": "aaaaaaaaa"} if role == "tool" else {}
    assert fitted(model, message(role, None, **id_)) == [message(role, "", **id_)]
    bare: Any = {"role": role, **id_}
    assert fitted(model, bare) == [message(role, "", **id_)]
    turn = [calling("aaaaaaaaa", content=[]), result()]
    assert fitted(model, *turn) == [calling("aaaaaaaaa"), result()]


# Users in a row


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
        (None, None, ""),
        ("", "two", "two"),
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


@pytest.mark.parametrize("calls", [[], None])
def test_an_empty_list_of_calls_is_no_problem(calls: Any) -> None:
    messages = [message("user"), message("assistant", tool_calls=calls)]
    assert fitted(LLAMA, *messages) == messages
    assert fitted(MISTRAL, *messages) == [message("user"), message("assistant")]


# Names of tools


@pytest.mark.parametrize(
    ("name", "fit"),
    [
        ("get_weather", "get_weather"),
        ("get weather", "get_weather"),
        ("functions.é", "functions__"),
        ("x" * 65, "x" * 64),
        ("", "unknown"),
        ("f\n", "f_"),
    ],
)
@pytest.mark.parametrize("model", [LLAMA, MISTRAL])
def test_names_that_a_model_made_up_are_made_fit(model: str, name: str, fit: str) -> None:
    call, _ = fitted(model, calling("aaaaaaaaa", name=name), result())
    assert call["tool_calls"][0]["function"] == {"name": fit, "arguments": "{}"}


def test_declared_names_stay_as_they_are() -> None:
    tools = [{"type": "function", "function": {"name": "files.read"}}]
    turn = [calling("aaaaaaaaa", name="files.read"), result()]
    assert fitted(LLAMA, *turn, tools=tools)[1:] == turn


@pytest.mark.parametrize("model", [LLAMA, QWEN, MISTRAL])
@pytest.mark.parametrize("silent", [(), ("",), (" \n",), (None,), ([],)])
def test_with_tools_there_is_a_system_message_that_says_something(
    model: str, silent: tuple[Any, ...]
) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    messages = [*(message("system", each) for each in silent), message("user", "Hi")]
    system, user = fitted(model, *messages, tools=tools)
    assert system == message("system", "You are a helpful assistant.")
    assert user == message("user", "Hi")


def test_the_clients_own_system_message_stays_alone() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    messages = [message("system", "Be brief."), message("user")]
    assert fitted(LLAMA, *messages, tools=tools) == messages
    assert fitted(LLAMA, message("user")) == [message("user")]


def test_user_messages_in_a_row_keep_their_order_whatever_their_contents_are() -> None:
    image = {"type": "image_url", "image_url": {"url": "x"}}
    contents = ["one", "two", None, [image], "three"]
    messages = [message("user", each) for each in contents]
    (merged,) = fitted(MISTRAL, *messages)
    texts = [{"type": "text", "text": each} for each in ("one\n\ntwo", "three")]
    assert merged["content"] == [texts[0], image, texts[1]]
