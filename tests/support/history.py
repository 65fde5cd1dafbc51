"""Whether a history is one that every model server takes: the rules, without exceptions.

Model servers and chat templates differ in what they forgive. A history that keeps all of these
rules is refused by none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

SYSTEM_ROLES = frozenset({"system", "developer"})
ROLES = SYSTEM_ROLES | {"user", "assistant", "tool"}


def check_history(messages: Sequence[Mapping[str, Any]]) -> None:
    """Raise AssertionError, with the place and the reason, for the first rule that is broken."""
    assert messages, "the history is empty"
    seen: set[str] = set()
    waiting: list[str] = []
    for place, message in enumerate(messages):
        where = f"messages[{place}]"
        role = message.get("role")
        assert role in ROLES, f"{where}: the role is {role!r}"
        if role == "tool":
            _check_result(where, message, waiting)
            continue
        assert not waiting, f"{where}: {role} comes before the results of {waiting}"
        assert role not in SYSTEM_ROLES or place == 0, f"{where}: a {role} message is not the first"
        if role == "assistant":
            waiting = _check_turn(where, message, seen)
    assert not waiting, f"the history ends before the results of {waiting}"
    last = messages[-1]["role"]
    assert last in ("user", "tool"), f"the history ends with {last}: nobody waits for an answer"


def _check_result(where: str, message: Mapping[str, Any], waiting: list[str]) -> None:
    """Check a tool message against the calls that wait for results; it takes the first."""
    answered = message.get("tool_call_id")
    assert waiting, f"{where}: the result of {answered!r} follows no turn that waits for one"
    expected = waiting.pop(0)
    assert answered == expected, f"{where}: the result of {answered!r}, not of {expected!r}"


def _check_turn(where: str, message: Mapping[str, Any], seen: set[str]) -> list[str]:
    """Check an assistant message; returns the ids of its calls, which are added to those seen."""
    calls = message.get("tool_calls") or []
    assert message.get("content") or calls, f"{where}: neither content nor tool_calls"
    for number, call in enumerate(calls):
        _check_call(f"{where}.tool_calls[{number}]", call, seen)
        seen.add(call["id"])
    return [call["id"] for call in calls]


def _check_call(where: str, call: Mapping[str, Any], seen: set[str]) -> None:
    call_id = call.get("id")
    assert isinstance(call_id, str), f"{where}: the id is {call_id!r}"
    assert call_id, f"{where}: the id is empty"
    assert call_id not in seen, f"{where}: the id {call_id!r} stands for another call, too"
    function = call.get("function") or {}
    assert function.get("name"), f"{where}: the call has no name"
    written = function.get("arguments")
    assert _is_json_object(written), f"{where}: the arguments are no JSON object: {written!r}"


def _is_json_object(written: Any) -> bool:
    try:
        return isinstance(json.loads(written), dict)
    except (TypeError, ValueError):
        return False
