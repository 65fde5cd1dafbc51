from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.call_forms import WrittenCall
from proxy.core.gathering import CallRules, Calls
from proxy.core.room import Room
from proxy.core.tool_names import ToolNames
from proxy.core.turn import Owner
from proxy.core.wire import Fragment

OWNERS = {
    "lighton_search": Owner.HIDDEN,
    "get_weather": Owner.CLIENT,
    "get_weather_now": Owner.CLIENT,
    "get_time": Owner.CLIENT,
}


def gathering(**rules: Any) -> Calls:
    return Calls(
        CallRules(
            lambda name: OWNERS.get(name, Owner.NOBODY),
            lambda number: f"minted_{number}",
            ToolNames(frozenset(OWNERS)),
            **rules,
        ),
        Room(10**9),
    )


def fragment(
    name: str | None = None, arguments: str | None = None, *, index: int | None = 0, id: str = ""
) -> Any:
    return {"index": index, "id": id, "function": {"name": name, "arguments": arguments}}


def gathered(*fragments: Fragment | list[Fragment]) -> Calls:
    """The calls, once the turn has ended. A list is several fragments of one delta."""
    calls = gathering()
    for each in fragments:
        calls.hear(each if isinstance(each, list) else [each])
    calls.settle()
    return calls


def meant(calls: Calls) -> list[tuple[str, str]]:
    return [(call.name, call.arguments) for call in calls.all()]


# Names


def test_a_name_comes_in_pieces() -> None:
    calls = gathering()
    assert calls.hear([fragment("get_", "")]) == []
    assert calls.hear([fragment("weather", "")]) == []
    assert calls.hear([fragment("_now", "")])[0]["function"]["name"] == "get_weather_now"
    assert calls.hear([fragment(None, "{}")])[0]["function"] == {"arguments": "{}"}


def test_arguments_end_a_name_that_could_go_on() -> None:
    calls = gathering()
    assert calls.hear([fragment("get_weather", "")]) == []
    (part,) = calls.hear([fragment(None, '{"city"')])
    assert part["function"] == {"name": "get_weather", "arguments": '{"city"'}


def test_another_call_ends_a_name_that_could_go_on() -> None:
    calls = gathering()
    assert calls.hear([fragment("get_weather", "")]) == []
    parts = calls.hear([fragment("get_time", "", index=1)])
    assert [part["function"]["name"] for part in parts] == ["get_weather", "get_time"]
    assert [part["index"] for part in parts] == [0, 1]


def test_the_end_of_the_turn_ends_a_name_that_could_go_on() -> None:
    calls = gathering()
    assert calls.hear([fragment("get_weather", "")]) == []
    assert [part["function"]["name"] for part in calls.settle()] == ["get_weather"]
    assert calls.settle() == []


@pytest.mark.parametrize(
    "written", ["functions.lighton_search", "lighton_search<|channel|>commentary"]
)
def test_a_tool_is_called_by_its_plain_name(written: str) -> None:
    (call,) = gathered(fragment(written, "{}")).all()
    assert (call.name, call.owner) == ("lighton_search", Owner.HIDDEN)


def test_a_control_token_after_a_whole_name_is_dropped() -> None:
    calls = gathered(
        fragment("get_time", ""), fragment("<|channel|>json", ""), fragment(None, "{}")
    )
    assert meant(calls) == [("get_time", "{}")]


def test_a_name_that_nobody_declared_has_no_control_token_in_the_history() -> None:
    assert meant(gathered(fragment("who<|channel|>commentary", "{}"))) == [("who", "{}")]


def test_a_name_may_come_with_each_piece_of_arguments() -> None:
    pieces = ['{"city": ', '"Paris"', "}", "", "\n"]
    calls = gathered(*(fragment("get_weather", each) for each in pieces))
    assert meant(calls) == [("get_weather", '{"city": "Paris"}\n')]


# Which call a fragment belongs to


@pytest.mark.parametrize("index", [0, None])
@pytest.mark.parametrize("id", ["", "same"])
@pytest.mark.parametrize("second", ["get_weather", "get_time", "lighton_search", "nobodys"])
def test_whole_calls_at_one_place_are_each_a_call(index: int | None, id: str, second: str) -> None:
    calls = gathered(
        fragment("get_weather", '{"a": 1}', index=index, id=id),
        fragment(second, '{"a": 2}', index=index, id=id),
    )
    assert meant(calls) == [("get_weather", '{"a": 1}'), (second, '{"a": 2}')]
    assert len({call.id for call in calls.all()}) == 2


def test_whole_calls_in_one_delta_are_each_a_call() -> None:
    calls = gathered([fragment("get_time", ""), fragment("get_time", ""), fragment("get_time", "")])
    assert meant(calls) == [("get_time", "")] * 3


def test_calls_in_pieces_at_one_place_are_each_a_call() -> None:
    calls = gathered(
        fragment("get_time", ""),
        fragment(None, '{"a": '),
        fragment(None, "1}"),
        fragment("get_time", ""),
        fragment(None, '{"a": 2}'),
    )
    assert meant(calls) == [("get_time", '{"a": 1}'), ("get_time", '{"a": 2}')]


def test_a_name_that_came_again_may_be_the_begin_of_another() -> None:
    for rest, name in (("_now", "get_weather_now"), ("get_time", "get_time")):
        calls = gathered(
            fragment("get_weather", '{"a": 1}'),
            fragment("get_weather", ""),
            fragment(rest, ""),
            fragment(None, '{"a": 2}'),
        )
        assert meant(calls) == [("get_weather", '{"a": 1}'), (name, '{"a": 2}')]


def test_another_tools_name_begins_another_call() -> None:
    calls = gathered(fragment("get_time", ""), fragment("lighton_search", ""), fragment(None, "{}"))
    assert meant(calls) == [("get_time", ""), ("lighton_search", "{}")]


@pytest.mark.parametrize("empty", ["", None])
def test_an_id_that_comes_again_without_an_index_begins_another_call(empty: str | None) -> None:
    """Its name alone may be that of the first call again: the pieces that follow decide."""
    parts = [
        part
        for number, its_id in enumerate(["call_1", "call_2", "call_1"])
        for part in (
            fragment("get_time", empty, index=None, id=its_id),
            fragment(arguments=f'{{"n": {number}}}', index=None),
        )
    ]
    expected = [("get_time", f'{{"n": {number}}}') for number in range(3)]
    assert meant(gathered(*parts)) == expected


def test_a_name_after_its_arguments_belongs_to_them() -> None:
    calls = gathered(fragment(None, '{"a": 1}'), fragment("get_time", ""))
    assert meant(calls) == [("get_time", '{"a": 1}')]


def test_ids_that_are_missing_or_come_twice_are_made() -> None:
    calls = gathered(
        fragment("get_time", "{}", index=0, id="same"),
        fragment("get_time", "{}", index=1, id="same"),
        fragment("get_time", "{}", index=2),
    )
    assert [call.id for call in calls.all()] == ["same", "minted_1", "minted_2"]


cuts = st.integers(1, 40)
one_call = st.tuples(
    st.sampled_from(
        [
            *("get_weather", "get_weather_now", "get_time", "lighton_search"),
            *("functions.get_time", "lighton_search<|channel|>commentary"),
        ]
    ),
    st.dictionaries(st.sampled_from("ab"), st.text(max_size=9), min_size=1).map(json.dumps),
    st.sampled_from(["", "same", "x"]),
)  # fmt: skip


def pieces(text: str, size: int) -> list[str]:
    return [text[place : place + size] for place in range(0, len(text), size)]


@settings(max_examples=300)
@given(
    st.lists(one_call, max_size=4),
    st.sampled_from(["whole", "name first", "name in pieces", "name again"]),
    st.sampled_from(["index", "zero", "none"]),
    cuts,
    st.booleans(),
)
def test_calls_are_the_same_however_they_are_cut(
    made: list[tuple[str, str, str]],
    way: str,
    numbering: str,
    size: int,
    single: bool,  # noqa: FBT001  # hypothesis passes it
) -> None:
    whole, cut = gathering(single_call=single), gathering(single_call=single)
    listed = [
        fragment(name, arguments, index=n, id=its_id)
        for n, (name, arguments, its_id) in enumerate(made)
    ]
    expected = [*whole.hear(listed), *whole.settle()]
    heard: list[Fragment] = []
    for number, (name, arguments, its_id) in enumerate(made):
        index = {"index": number, "zero": 0, "none": None}[numbering]
        args = pieces(arguments, size)
        if way == "whole":
            parts: list[tuple[str | None, str]] = [(name, arguments)]
        elif way == "name in pieces":
            parts = [*((each, "") for each in pieces(name, size)), *((None, each) for each in args)]
        elif way == "name again":
            parts = [(name, each) for each in args]
        else:
            parts = [(name, ""), *((None, each) for each in args)]
        for each in parts:
            heard += cut.hear([fragment(*each, index=index, id=its_id)])
    heard += cut.settle()
    assert cut.all() == whole.all()
    assert assembled(heard) == assembled(expected)


def assembled(parts: list[Fragment]) -> dict[int, list[str]]:
    calls: dict[int, list[str]] = {}
    for part in parts:
        call = calls.setdefault(part["index"], ["", "", ""])
        call[0] += part.get("id", "")
        call[1] += part["function"].get("name", "")
        call[2] += part["function"]["arguments"]
    return calls


# Calls that were written as text


def test_a_written_call_is_a_call_like_any_other() -> None:
    calls = gathering()
    calls.hear([fragment("lighton_search", '{"query": "a"}', id="s1")])
    parts = calls.add_written(
        [WrittenCall("get_time", '{"a": 1}'), WrittenCall("lighton_search", '{"query": "b"}')]
    )
    function = {"name": "get_time", "arguments": '{"a": 1}'}
    assert parts == [{"index": 0, "id": "minted_1", "type": "function", "function": function}]
    assert [call.owner for call in calls.all()] == [Owner.HIDDEN, Owner.CLIENT, Owner.HIDDEN]
    assert [call.id for call in calls.take_ready()] == ["s1", "minted_2"]


def test_a_clients_call_that_came_parsed_and_as_text_is_one() -> None:
    calls = gathering()
    calls.hear([fragment("get_time", '{"a": 1, "b": 2}', id="t1")])
    again = WrittenCall("get_time", '{"b":2,"a":1}')
    other = WrittenCall("get_time", '{"a": 2}')
    assert len(calls.add_written([again, other, other])) == 2
    assert [call.arguments for call in calls.all()] == ['{"a": 1, "b": 2}', '{"a": 2}', '{"a": 2}']


def test_no_more_than_128_calls_are_gathered() -> None:
    calls = gathering()
    calls.add_written([WrittenCall("lighton_search", f'{{"query": "{n}"}}') for n in range(200)])
    assert calls.hear([fragment("get_time", "{}", index=5)]) == []
    assert len(calls) == len(calls.all()) == 128
