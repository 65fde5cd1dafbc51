import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.core.chat import (
    MAX_CALLS,
    MAX_MESSAGES,
    MAX_NAME_CHARS,
    MAX_PARTS,
    MAX_TOOLS,
    Chat,
    ToolChoice,
    last_user_text,
    parse_chat,
    text_of,
    tool_name,
)
from proxy.core.scope import Wish
from proxy.core.wire import Message
from proxy.errors import BadRequest
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import JSON, tool

CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
HELLO: list[Message] = [{"role": "user", "content": "Hello"}]
WEATHER = tool("get_weather")
TIME = tool("get_time")


def parse(**fields: Any) -> Chat:
    return parse_chat({"messages": HELLO, **fields}, WISHES, {"lighton_search"})


def fault(**fields: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parse(**fields)
    return caught.value


def allowed(mode: Any, *names: str) -> dict[str, Any]:
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


def test_the_smallest_request_is_one_message() -> None:
    chat = parse()
    assert chat == Chat(body={}, model=None, messages=HELLO)
    assert chat.wish == Wish()


def test_what_the_proxy_does_not_own_passes_as_it_came() -> None:
    given = {
        "temperature": 0.2,
        "stop": ["\n"],
        "n": 1,
        "parallel_tool_calls": True,
        "response_format": {"type": "json_object"},
        "vendor_extra": {"a": [1]},
        "seed": None,
    }
    owned = {
        "model": "m",
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [WEATHER],
        "tool_choice": "auto",
        "lighton": {"workspace_id": [42], "retrieval": "hybrid"},
    }
    chat = parse(**given, **owned)
    assert chat.body == given
    assert chat == Chat(
        body=given,
        model="m",
        messages=HELLO,
        stream=True,
        include_usage=True,
        tools=(WEATHER,),
        declared=frozenset({"get_weather"}),
        tool_choice=ToolChoice("auto"),
        wish=Wish(LightOnScope(workspace_id=(42,)), "hybrid"),
    )


@pytest.mark.parametrize("document", [None, [], "text", 5, True])
def test_a_body_that_is_no_object_is_refused(document: Any) -> None:
    with pytest.raises(BadRequest, match="JSON object") as caught:
        parse_chat(document, WISHES)
    assert caught.value.param is None


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("frequency_penalty", "0", "a number"),
        ("frequency_penalty", True, "a number"),
        ("logit_bias", [], "an object"),
        ("logprobs", 1, "a boolean"),
        ("max_completion_tokens", 1.5, "an integer"),
        ("max_tokens", "9", "an integer"),
        ("max_tokens", True, "an integer"),
        ("messages", {}, "an array"),
        ("messages", "Hello", "an array"),
        ("metadata", "m", "an object"),
        ("model", 4, "a string"),
        ("n", "1", "an integer"),
        ("n", True, "an integer"),
        ("parallel_tool_calls", 0, "a boolean"),
        ("presence_penalty", [], "a number"),
        ("reasoning_effort", 1, "a string"),
        ("response_format", "json", "an object"),
        ("seed", "s", "an integer"),
        ("stop", 5, "a string or an array"),
        ("store", "yes", "a boolean"),
        ("stream", "true", "a boolean"),
        ("stream", 1, "a boolean"),
        ("stream_options", [], "an object"),
        ("temperature", "hot", "a number"),
        ("tool_choice", [], "a string or an object"),
        ("tools", WEATHER, "an array"),
        ("top_logprobs", 2.0, "an integer"),
        ("top_p", "1", "a number"),
        ("user", 7, "a string"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(name: str, value: Any, wanted: str) -> None:
    error = fault(**{name: value})
    assert error.param == name
    assert error.message == f"'{name}' must be {wanted}."


@pytest.mark.parametrize("messages", [None, []])
def test_a_request_without_messages_is_refused(messages: Any) -> None:
    error = fault(messages=messages)
    assert error.param == "messages"
    assert "at least one message" in error.message


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("Hello", "messages[1]"),
        (None, "messages[1]"),
        ({"content": "Hello"}, "messages[1].role"),
        ({"role": "bot", "content": "Hello"}, "messages[1].role"),
        ({"role": ["user"], "content": "Hello"}, "messages[1].role"),
        ({"role": "user", "content": 5}, "messages[1].content"),
        ({"role": "user", "content": {"type": "text"}}, "messages[1].content"),
        ({"role": "tool", "content": "x"}, "messages[1].tool_call_id"),
        ({"role": "tool", "content": "x", "tool_call_id": 3}, "messages[1].tool_call_id"),
        ({"role": "assistant", "tool_calls": {}}, "messages[1].tool_calls"),
        ({"role": "assistant", "tool_calls": ["x"]}, "messages[1].tool_calls[0]"),
        ({"role": "assistant", "tool_calls": [CALL, {}]}, "messages[1].tool_calls[1]"),
        ({"role": "assistant", "tool_calls": [{"id": 5}]}, "messages[1].tool_calls[0]"),
        (
            {"role": "assistant", "tool_calls": [{"id": "a"}]},
            "messages[1].tool_calls[0].function.name",
        ),
        (
            {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": 5}}]},
            "messages[1].tool_calls[0].function.name",
        ),
        ({"role": "tool", "content": "x", "tool_call_id": "a"}, "messages[1].tool_call_id"),
    ],
)
def test_a_message_at_fault_is_named(message: Any, param: str) -> None:
    error = fault(messages=[*HELLO, message])
    assert error.param == param
    assert f"'{param}" in error.message


@pytest.mark.parametrize(
    "message",
    [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "assistant", "tool_calls": [{"id": "a", "type": "custom"}]},
        {"role": "assistant", "content": "Yes", "tool_calls": None},
        {"role": "function", "name": "f", "content": "sunny"},
    ],
)
def test_every_kind_of_message_passes_unchanged(message: dict[str, Any]) -> None:
    assert parse(messages=[*HELLO, message]).messages == [*HELLO, message]


def test_a_tool_message_answers_a_call_of_any_assistant_message_before_it() -> None:
    turn = {"role": "assistant", "tool_calls": [CALL]}
    result = {"role": "tool", "content": "sunny", "tool_call_id": "a"}
    for messages in ([turn, result], [turn, *HELLO, result], [turn, result, result]):
        assert parse(messages=messages).messages == messages
    assert fault(messages=[result, turn]).param == "messages[0].tool_call_id"
    of_user = {"role": "user", "content": "x", "tool_calls": [CALL]}
    assert fault(messages=[of_user, result]).param == "messages[1].tool_call_id"


def test_a_result_for_no_call_is_named_and_not_repeated_at_length() -> None:
    error = fault(messages=[{"role": "tool", "content": "x", "tool_call_id": "z" * 5_000}])
    assert "answers no call" in error.message
    assert len(error.message) < 400


@pytest.mark.parametrize("n", [0, 2, -1, 128])
def test_only_one_answer_a_request(n: int) -> None:
    assert fault(n=n).param == "n"


def test_null_is_as_good_as_absent() -> None:
    nothing = dict.fromkeys(("n", "model", "stream", "tools", "tool_choice", "lighton"))
    chat = parse(**nothing, stream_options=None)
    assert (chat.model, chat.stream, chat.include_usage, chat.tools) == (None, False, False, ())
    assert chat.tool_choice is None
    assert chat.wish == Wish()


def test_an_empty_model_is_none() -> None:
    assert parse(model="").model is None


@pytest.mark.parametrize(("value", "single"), [(False, True), (True, False), (None, False)])
def test_only_a_plain_no_to_parallel_calls_means_one_call(
    *, value: bool | None, single: bool
) -> None:
    assert parse(parallel_tool_calls=value).single_call is single


@pytest.mark.parametrize(
    ("options", "asked"),
    [({"include_usage": True}, True), ({"include_usage": False}, False), ({}, False)],
)
def test_usage_in_a_stream_is_sent_when_asked_for(options: dict[str, Any], *, asked: bool) -> None:
    assert parse(stream=True, stream_options=options).include_usage is asked


@pytest.mark.parametrize(
    ("bad", "param"),
    [
        ("get_weather", "tools[1]"),
        ({"type": "function"}, "tools[1].function.name"),
        ({"type": "function", "function": "f"}, "tools[1].function.name"),
        ({"type": "function", "function": {"name": ""}}, "tools[1].function.name"),
        ({"type": "function", "function": {"name": 5}}, "tools[1].function.name"),
        ({"function": {}}, "tools[1].function.name"),
    ],
)
def test_a_tool_at_fault_is_named(bad: Any, param: str) -> None:
    assert fault(tools=[WEATHER, bad]).param == param


def test_tools_of_other_kinds_are_left_to_the_upstream() -> None:
    custom = {"type": "custom", "custom": {"name": "grep"}}
    assert parse(tools=[custom]).tools == (custom,)
    assert tool_name(custom) is None


@pytest.mark.parametrize("kind", ["none", "auto", "required"])
def test_a_tool_choice_in_a_word(kind: Any) -> None:
    assert parse(tool_choice=kind).tool_choice == ToolChoice(kind)


def test_a_tool_choice_by_name() -> None:
    choice = {"type": "function", "function": {"name": "get_weather"}}
    assert parse(tool_choice=choice).tool_choice == ToolChoice("named", "get_weather")


@pytest.mark.parametrize(
    ("choice", "param"),
    [
        ("any", "tool_choice"),
        ("", "tool_choice"),
        ({}, "tool_choice"),
        ({"type": "function"}, "tool_choice"),
        ({"type": "function", "function": {"name": ""}}, "tool_choice"),
        ({"type": "custom", "custom": {"name": "grep"}}, "tool_choice"),
        ({"function": {"name": "get_weather"}}, "tool_choice"),
        ({"type": "allowed_tools"}, "tool_choice.allowed_tools.tools"),
        ({"type": "allowed_tools", "allowed_tools": []}, "tool_choice.allowed_tools.tools"),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": {}}},
            "tool_choice.allowed_tools.tools",
        ),
        (allowed("none", "get_weather"), "tool_choice.allowed_tools.mode"),
        (allowed(None, "get_weather"), "tool_choice.allowed_tools.mode"),
        (allowed(["auto"], "get_weather"), "tool_choice.allowed_tools.mode"),
    ],
)
def test_a_tool_choice_that_cannot_be_read_is_named(choice: Any, param: str) -> None:
    assert fault(tools=[WEATHER], tool_choice=choice).param == param


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_allowed_tools_are_fewer_tools_and_a_mode(mode: Any) -> None:
    chat = parse(tools=[WEATHER, TIME], tool_choice=allowed(mode, "get_time", "lighton_search"))
    assert chat.tools == (TIME,)
    assert chat.declared == {"get_weather", "get_time"}
    assert chat.tool_choice == ToolChoice(mode, allowed=frozenset({"lighton_search"}))


def test_an_allowed_tool_that_is_not_there_is_named() -> None:
    wrong = fault(tools=[WEATHER], tool_choice=allowed("required", "unheard_of"))
    assert wrong.param == "tool_choice.allowed_tools.tools"
    assert "unheard_of" in wrong.message


def test_an_allowed_tool_that_is_no_object_allows_nothing() -> None:
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": ["get_time"]}}
    assert parse(tools=[TIME], tool_choice=choice).tools == ()


def test_a_fault_in_the_lighton_field_is_named() -> None:
    assert fault(lighton={"workspace": [1]}).param == "lighton.workspace"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Hello", "Hello"),
        (None, ""),
        (5, ""),
        ([], ""),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        ([{"type": "image_url", "image_url": {}}, {"type": "text", "text": "b"}], "b"),
        ([{"type": "text", "text": None}, "loose", {"text": "b"}], "b"),
    ],
)
def test_the_text_of_a_content(content: Any, text: str) -> None:
    assert text_of(content) == text


def test_the_last_user_text_is_that_of_the_newest_user_message() -> None:
    messages: list[Message] = [
        {"role": "user", "content": "first"},
        {"role": "user", "content": [{"type": "text", "text": "  second \n"}]},
        {"role": "assistant", "content": "answer"},
    ]
    assert last_user_text(messages) == "second"


def test_without_a_user_message_there_is_no_user_text() -> None:
    assert last_user_text([{"role": "system", "content": "Be brief."}]) == ""
    assert last_user_text([{"role": "user"}]) == ""


NAMES = st.sampled_from(
    ["messages", "model", "n", "stream", "stream_options", "tools", "tool_choice", "lighton"]
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "tool", "assistant", "x"]) | JSON},
        optional={"content": JSON, "tool_calls": JSON, "tool_call_id": JSON},
    ),
    max_size=2,
)


@given(st.dictionaries(NAMES, JSON), MESSAGES | JSON)
@settings(deadline=None)
@example({"tool_choice": {"type": {}}}, HELLO)
@example({"lighton": {"retrieval": {}}}, HELLO)
def test_any_document_is_a_chat_or_a_bad_request(document: dict[str, Any], messages: Any) -> None:
    param = None
    try:
        chat = parse_chat({"messages": messages, **document}, WISHES)
    except BadRequest as error:
        param = error.param or ""
    if param is None:
        assert chat.messages
        assert chat.body.keys() <= {"n"}
    else:
        assert re.split(r"[.\[]", param)[0] in {*document, "messages"}


ASKED = {"role": "user", "content": "Hi"}
ONE_CALL = {"id": "c", "type": "function", "function": {"name": "f"}}
ONE_TOOL = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("most", "body_of_size", "param"),
    [
        (MAX_MESSAGES, lambda n: {"messages": [ASKED] * n}, "messages"),
        (
            MAX_PARTS,
            lambda n: {"messages": [{"role": "user", "content": [{"type": "text"}] * n}]},
            "messages[0].content",
        ),
        (
            MAX_CALLS,
            lambda n: {"messages": [{"role": "assistant", "tool_calls": [ONE_CALL] * n}]},
            "messages[0].tool_calls",
        ),
        (MAX_TOOLS, lambda n: {"tools": [ONE_TOOL] * n}, "tools"),
        (MAX_NAME_CHARS, lambda n: {"model": "m" * n}, "model"),
        (
            MAX_NAME_CHARS,
            lambda n: {"tools": [{"type": "function", "function": {"name": "f" * n}}]},
            "tools[0].function.name",
        ),
        (
            MAX_NAME_CHARS,
            lambda n: {"tool_choice": {"type": "function", "function": {"name": "f" * n}}},
            "tool_choice",
        ),
    ],
)
def test_what_can_be_long_has_a_limit_that_the_error_tells(
    most: int, body_of_size: Callable[[int], dict[str, Any]], param: str
) -> None:
    assert parse_chat({"messages": [ASKED], **body_of_size(most)}, WISHES)
    with pytest.raises(BadRequest, match=f"may have {most}") as caught:
        parse_chat({"messages": [ASKED], **body_of_size(most + 1)}, WISHES)
    assert caught.value.param == param


def test_tools_that_are_not_there_are_not_all_named() -> None:
    names = [{"type": "function", "function": {"name": f"f{n}"}} for n in range(10_000)]
    chosen = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": names}}
    with pytest.raises(BadRequest) as caught:
        parse_chat({"messages": [ASKED], "tool_choice": chosen}, WISHES)
    assert len(caught.value.message) < 400


def test_a_long_text_is_no_long_list() -> None:
    text = "x" * (MAX_PARTS + 1)
    assert parse_chat({"messages": [{"role": "user", "content": text}]}, WISHES)
