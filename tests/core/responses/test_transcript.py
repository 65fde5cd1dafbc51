from __future__ import annotations

from typing import Any

import pytest

from proxy.core.chat import MAX_CALLS, MAX_MESSAGES
from proxy.core.responses.items import read_items
from proxy.core.responses.transcript import messages_of, resolved
from proxy.core.thoughts import marked
from proxy.core.wire import Message
from proxy.errors import BadRequest
from tests.core.responses.samples import CALL, RESULT, mint

USER = {"role": "user", "content": "Weather?"}
SAID = {"role": "assistant", "content": "Let me see."}
SEARCH = {"type": "file_search_call", "id": "fs_1", "queries": ["weather"]}


def thoughts(text: str, kind: str = "summary") -> dict[str, Any]:
    return {"type": "reasoning", kind: [{"text": text}]}


def items(*sent: Any) -> Any:
    return read_items(list(sent), mint())


def messages(*sent: Any, before: Any = ()) -> list[Message]:
    return messages_of(before, items(*sent), {})


def call(id_: str, name: str = "get_weather", arguments: str = "{}") -> dict[str, Any]:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_calls_that_follow_each_other_are_of_one_message() -> None:
    made = messages(USER, SAID, CALL, {**CALL, "call_id": "c2"}, RESULT)
    assert made == [
        USER,
        {**SAID, "tool_calls": [call("c1"), call("c2")]},
        {"role": "tool", "tool_call_id": "c1", "content": "Sunny."},
    ]


def test_a_call_after_a_result_is_of_another_message() -> None:
    made = messages(USER, CALL, RESULT, {**CALL, "call_id": "c2"}, SAID)
    assert made[1:] == [
        {"role": "assistant", "content": None, "tool_calls": [call("c1")]},
        {"role": "tool", "tool_call_id": "c1", "content": "Sunny."},
        {**SAID, "tool_calls": [call("c2")]},
    ]


def test_thoughts_belong_to_what_the_assistant_does_next() -> None:
    made = messages(USER, thoughts("Hm."), CALL, thoughts("So.", "content"), SAID)
    assert made[1:] == [{**SAID, "tool_calls": [call("c1")], "reasoning_content": "Hm.\nSo."}]


def test_thoughts_that_nothing_follows_are_left_out() -> None:
    assert messages(thoughts("Hm."), USER, thoughts("So.")) == [USER]


def test_the_proxys_own_lines_among_thoughts_are_left_out() -> None:
    made = messages(USER, thoughts(f"{marked('Searching: leave')}\nHm."), SAID)
    assert made[1] == {**SAID, "reasoning_content": "Hm."}
    assert messages(USER, thoughts(marked("Searching: leave")), SAID)[1] == SAID


def test_a_search_of_the_proxys_own_stands_in_no_message() -> None:
    assert messages(USER, SEARCH) == [USER]
    made = messages(USER, SAID, SEARCH, {"role": "assistant", "content": "Sunny."})
    assert made[1] == {"role": "assistant", "content": "Let me see.\n\nSunny."}


def test_a_custom_tools_text_stands_in_json() -> None:
    custom = {"type": "custom_tool_call", "call_id": "c1", "name": "apply_patch", "input": 'a"\n'}
    result = {"type": "custom_tool_call_output", "call_id": "c1", "output": "Done."}
    assert messages(USER, custom, result)[1:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [call("c1", "apply_patch", '{"input":"a\\"\\n"}')],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "Done."},
    ]


def test_a_tool_in_a_namespace_has_the_name_that_the_model_knows() -> None:
    (_, turn) = messages(USER, {**CALL, "namespace": "agents"})
    assert turn["tool_calls"] == [call("c1", "agents__get_weather")]


def test_an_empty_answer_is_a_message_too() -> None:
    assert messages(USER, {"role": "assistant", "content": ""})[1]["content"] == ""


def test_a_result_without_a_call_before_it_is_refused() -> None:
    with pytest.raises(BadRequest, match="output with call_id c1") as caught:
        messages(USER, RESULT, CALL)
    assert caught.value.param == "input[1].call_id"


def test_a_result_may_answer_a_call_of_an_earlier_response() -> None:
    assert [each["role"] for each in messages(RESULT, before=items(USER, CALL))] == [
        *("user", "assistant", "tool"),
    ]


def test_more_calls_than_a_message_may_have_are_refused() -> None:
    calls = [{**CALL, "call_id": str(number)} for number in range(MAX_CALLS + 1)]
    assert len(messages(USER, *calls[:-1])) == 2
    with pytest.raises(BadRequest) as caught:
        messages(USER, *calls)
    assert caught.value.param == f"input[{MAX_CALLS + 1}]"


def test_a_conversation_has_a_limit_however_it_is_cut() -> None:
    most = items(*[USER] * MAX_MESSAGES)
    assert len(messages_of(most, (), {})) == MAX_MESSAGES
    with pytest.raises(BadRequest, match="Begin a new conversation") as caught:
        messages(USER, before=most)
    assert caught.value.param == "input"


def test_an_item_that_a_history_holds_already_counts_once() -> None:
    history = items(USER, SAID)
    reference = {"type": "item_reference", "id": history[1]["id"]}
    assert messages(reference, USER, before=history) == [USER, SAID, USER]


def test_a_message_that_a_client_sends_again_counts_again() -> None:
    history = items({**USER, "id": "msg_own"})
    assert messages({**USER, "id": "msg_own"}, before=history) == [USER, USER]


def test_references_are_found_among_what_was_looked_up_or_else_in_the_history() -> None:
    known = items({**SAID, "id": "msg_a"})[0]
    given = items({"id": "msg_a"}, USER)
    assert resolved(given, [known], {})[0] == resolved(given, (), {"msg_a": known})[0] == known
    with pytest.raises(BadRequest, match="Send the item itself") as caught:
        resolved(given, (), {})
    assert caught.value.param == "input[0].id"
