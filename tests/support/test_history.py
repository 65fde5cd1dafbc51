from __future__ import annotations

from typing import Any

import pytest

from tests.support.history import check_history

Message = dict[str, Any]

SYSTEM: Message = {"role": "system", "content": "Be brief."}
USER: Message = {"role": "user", "content": "What is the weather?"}
ANSWER: Message = {"role": "assistant", "content": "It is sunny."}


def call(call_id: Any, arguments: Any = "{}", name: str = "get_weather") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


def turn(*calls: dict[str, Any], content: str | None = None) -> Message:
    return {"role": "assistant", "content": content, "tool_calls": list(calls)}


def result(call_id: str) -> Message:
    return {"role": "tool", "tool_call_id": call_id, "content": "sunny"}


@pytest.mark.parametrize(
    "messages",
    [
        [USER],
        [SYSTEM, USER],
        [{**SYSTEM, "role": "developer"}, USER],
        [USER, USER],
        [USER, ANSWER, USER],
        [USER, {**ANSWER, "tool_calls": []}, USER],
        [USER, turn(call("a")), result("a")],
        [USER, turn(call("a", '{"city": "Paris"}'), call("b")), result("a"), result("b")],
        [USER, turn(call("a"), content="Wait."), result("a"), turn(call("b")), result("b")],
        [USER, turn(call("a")), result("a"), ANSWER, USER, turn(call("b")), result("b"), USER],
    ],
)
def test_a_history_that_keeps_the_rules_passes(messages: list[Message]) -> None:
    check_history(messages)


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([], "empty"),
        ([{**USER, "role": "critic"}], "role is 'critic'"),
        ([{"content": "Hello"}], "role is None"),
        ([USER, SYSTEM, USER], r"messages\[1\]: a system message is not the first"),
        ([SYSTEM, {**SYSTEM, "role": "developer"}, USER], "developer message is not the first"),
        ([USER, {**ANSWER, "content": None}, USER], "neither content nor tool_calls"),
        ([USER, turn(), USER], "neither content nor tool_calls"),
        ([USER, turn(call("a")), USER], r"user comes before the results of \['a'\]"),
        ([USER, turn(call("a")), ANSWER, result("a")], "assistant comes before the results"),
        ([USER, turn(call("a"), call("b")), result("a"), USER], r"the results of \['b'\]"),
        ([USER, turn(call("a"), call("b")), result("a")], r"ends before the results of \['b'\]"),
        (
            [USER, turn(call("a"), call("b")), result("b"), result("a")],
            "the result of 'b', not of 'a'",
        ),
        ([USER, turn(call("a")), result("c")], "the result of 'c', not of 'a'"),
        ([USER, turn(call("a")), result("a"), result("a")], "follows no turn"),
        ([USER, result("a")], "follows no turn"),
        ([USER, turn(call("a")), result("a"), USER, result("a")], "follows no turn"),
        ([USER, turn(call("a"), call("a")), result("a"), result("a")], "for another call, too"),
        (
            [USER, turn(call("a")), result("a"), turn(call("a")), result("a")],
            "for another call, too",
        ),
        ([USER, turn(call("")), result("")], "the id is empty"),
        ([USER, turn(call(None)), result("a")], "the id is None"),
        ([USER, turn(call("a", name="")), result("a")], "has no name"),
        ([USER, turn({"id": "a", "type": "function"}), result("a")], "has no name"),
        ([USER, turn(call("a", "")), result("a")], "no JSON object: ''"),
        ([USER, turn(call("a", '{"city": "Par')), result("a")], "no JSON object"),
        ([USER, turn(call("a", "[1]")), result("a")], "no JSON object"),
        ([USER, turn(call("a", None)), result("a")], "no JSON object: None"),
        ([USER, ANSWER], "ends with assistant"),
        ([SYSTEM], "ends with system"),
    ],
)
def test_a_history_that_breaks_a_rule_is_refused_with_the_reason(
    messages: list[Message], reason: str
) -> None:
    with pytest.raises(AssertionError, match=reason):
        check_history(messages)
