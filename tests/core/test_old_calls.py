import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.kept import handle_of_call
from proxy.core.old_calls import with_lasting_id, with_tool_calls
from proxy.core.turn import Owner, ToolCall, Turn
from proxy.errors import BadRequest
from tests.core.samples import JSON, call

ASKED = {"role": "user", "content": "Is it raining?"}
ROME = {"name": "get_weather", "arguments": '{"city": "Rome", "day": 1}'}
RAIN = {"role": "function", "name": "get_weather", "content": "Rain."}


def called(function: dict[str, Any] = ROME, content: str | None = None) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "function_call": function}


def ids(*messages: Any) -> list[str]:
    """The ids of all calls."""
    return [
        each["id"]
        for message in with_tool_calls(messages)
        if isinstance(message, dict)
        for each in message.get("tool_calls") or ()
    ]


def fault(*messages: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        with_tool_calls(messages)
    return caught.value


def test_a_call_and_its_result_get_one_id() -> None:
    asked, turn, result = with_tool_calls([ASKED, called(content="Let me see."), RAIN])
    (id_,) = ids(ASKED, called())
    assert asked == ASKED
    assert turn == {
        "role": "assistant",
        "content": "Let me see.",
        "tool_calls": [{"id": id_, "type": "function", "function": ROME}],
    }
    assert result == {"role": "tool", "content": "Rain.", "tool_call_id": id_}
    assert handle_of_call(id_)
    assert len(id_) <= 40


def test_a_result_answers_the_latest_call_of_its_function() -> None:
    time = {"name": "get_time", "arguments": "{}"}
    noon = {"role": "function", "name": "get_time", "content": "Noon."}
    chat = [ASKED, called(), called(time), noon, RAIN, called(), RAIN]
    messages: list[Any] = with_tool_calls(chat)
    first, second, third = ids(*chat)
    assert [each["tool_call_id"] for each in messages if each["role"] == "tool"] == [
        second,
        first,
        third,
    ]
    assert len({first, second, third}) == 3


def test_messages_without_old_calls_stay_as_they_are() -> None:
    null = {"role": "assistant", "content": "Yes.", "function_call": None}
    messages = [ASKED, null, 7, {"role": "tool", "tool_call_id": "a", "content": "Rain."}]
    assert with_tool_calls(messages) == messages


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([RAIN], "messages[0].name"),
        ([ASKED, called(), {**RAIN, "name": "get_time"}], "messages[2].name"),
        ([ASKED, called(), {**RAIN, "name": None}], "messages[2].name"),
        ([ASKED, called(), {"role": "function", "name": ["get_weather"]}], "messages[2].name"),
        ([called({})], "messages[0].function_call.name"),
        ([called({"name": ""})], "messages[0].function_call.name"),
        ([{"role": "assistant", "function_call": "f"}], "messages[0].function_call.name"),
        ([{**called(), "tool_calls": [{"id": "a"}]}], "messages[0].function_call"),
    ],
)
def test_what_cannot_be_a_call_or_its_result_is_refused(messages: list[Any], param: str) -> None:
    error = fault(*messages)
    assert error.param == param
    assert param.partition(".")[0] in error.message


@pytest.mark.parametrize(
    "other",
    [
        [ASKED, called(content="Let me see.")],
        [{"role": "system", "content": "Today is Monday."}, ASKED, called()],
        [{"role": "user", "content": " Is it\nraining? "}, called()],
        [{"role": "user", "content": [{"type": "text", "text": "Is it raining?"}]}, called()],
        [ASKED, called({**ROME, "arguments": '{"day":1,"city":"Rome"}'})],
        [ASKED, called({**ROME, "arguments": {"city": "Rome", "day": 1}})],
    ],
)
def test_how_a_client_writes_a_chat_does_not_change_the_id(other: list[Any]) -> None:
    assert ids(*other) == ids(ASKED, called())


def test_what_a_chat_says_changes_the_id() -> None:
    snow = {**RAIN, "content": "Snow."}
    chats: list[list[Any]] = [
        [ASKED, called()],
        [called()],
        [ASKED, ASKED, called()],
        [{**ASKED, "content": "Is it snowing?"}, called()],
        [{"role": "assistant", "content": ASKED["content"]}, called()],
        [ASKED, called({**ROME, "name": "get_time"})],
        [ASKED, called({**ROME, "arguments": "{}"})],
        [ASKED, called(), RAIN, called()],
        [ASKED, called(), snow, called()],
    ]
    last = [ids(*chat)[-1] for chat in chats]
    assert len(set(last)) == len(chats)


def test_a_call_gets_the_id_that_it_has_when_it_comes_back() -> None:
    chat: list[Any] = [ASKED, called(), RAIN, {"role": "user", "content": "And tomorrow?"}]
    hidden = call({"query": "rain"}, id="hidden")
    mine = ToolCall("streamed", ROME["name"], ROME["arguments"], Owner.CLIENT)
    known: list[Any] = with_tool_calls(chat)
    turn = with_lasting_id(Turn("", "tool_calls", (hidden, mine)), known)
    assert [each.id for each in turn.calls] == ["hidden", ids(*chat, called())[-1]]


@pytest.mark.parametrize("arguments", ["", "no JSON", "[1]", '{"a": ' * 400 + "1" + "}" * 400, 7])
def test_arguments_of_any_kind_have_an_id(arguments: Any) -> None:
    assert len(ids(ASKED, called({"name": "f", "arguments": arguments}))) == 1


MESSAGES = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "tool", "function", "system"]) | JSON},
        optional={"content": JSON, "function_call": JSON, "tool_calls": JSON, "name": JSON},
    ),
    st.sampled_from([ASKED, called(), RAIN]),
)


@given(st.lists(MESSAGES, max_size=6))
def test_any_messages_are_read_or_refused(messages: list[Any]) -> None:
    try:
        modern = with_tool_calls(messages)
    except BadRequest:
        return
    assert len(modern) == len(messages)


def test_every_word_is_hashed_once() -> None:
    """The ids of a long chat cost no more than its length: all differ, and none is made twice."""
    chat = itertools.chain.from_iterable([called(), RAIN] for _ in range(500))
    assert len(set(ids(*chat))) == 500
