from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.call_ids import told_apart
from proxy.core.chat import calls_in
from proxy.core.wire import Message


def calling(*ids: str) -> Message:
    calls: Any = [{"id": each, "type": "function", "function": {"name": "f"}} for each in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(id: str, content: str) -> Message:
    return {"role": "tool", "tool_call_id": id, "content": content}


def pairs(messages: Any) -> list[tuple[int, str]]:
    """For each result, the place of its call in the last turn before it that has it."""
    found = []
    ids: list[str] = []
    for message in messages:
        ids = [call["id"] for call in calls_in(message)] or ids
        if message["role"] == "tool":
            found.append((ids.index(message["tool_call_id"]), message["content"]))
    return found


def test_results_answer_calls_with_one_id_in_their_order() -> None:
    for same in ("", "get_weather"):
        messages = [calling(same, same), result(same, "sunny"), result(same, "rain")]
        assert pairs(told_apart(messages)) == [(0, "sunny"), (1, "rain")]


def test_the_last_call_gets_what_is_left() -> None:
    messages = [calling("x", "x"), *(result("x", each) for each in "abc")]
    assert pairs(told_apart(messages)) == [(0, "a"), (1, "b"), (1, "c")]


def test_an_empty_id_is_filled_in() -> None:
    turn, answer = told_apart([calling(""), result("", "sunny")])
    assert calls_in(turn)[0]["id"] == answer["tool_call_id"] == "call#1"


def test_other_ids_stay_as_they_are() -> None:
    messages = [calling("a", "x", "x", "x#2"), result("x#2", "c"), result("a", "a")]
    (turn, *results) = told_apart(messages)
    assert [call["id"] for call in calls_in(turn)] == ["a", "x", "x#3", "x#2"]
    assert results == messages[1:]


def test_messages_without_equal_ids_are_the_same_objects() -> None:
    messages = [calling("a", "b"), result("a", "1"), calling("a")]
    assert told_apart(messages) is messages


def test_a_later_turn_with_the_same_id_has_its_own_results() -> None:
    messages = [calling("x", "x"), result("x", "a"), calling("x"), result("x", "b")]
    assert pairs(told_apart(messages)) == [(0, "a"), (0, "b")]


ids = st.sampled_from(["", "x", "x#2", "y"])


@given(st.lists(st.lists(ids, min_size=1, max_size=5), max_size=3))
def test_ids_are_distinct_in_a_turn_and_each_call_has_its_result(turns: list[list[str]]) -> None:
    messages: list[Message] = []
    for turn in turns:
        messages.append(calling(*turn))
        messages += [result(each, f"{place}") for place, each in enumerate(turn)]
    apart = told_apart(messages)
    for message in apart:
        given_ids = [call["id"] for call in calls_in(message)]
        assert len(set(given_ids)) == len(given_ids)
        assert "" not in given_ids
    assert all(str(place) == content for place, content in pairs(apart))
