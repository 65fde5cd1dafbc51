import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.turn import Heard, Owner, ToolCall, Turn, add_usage, cached_tokens, whole_usage
from proxy.core.wire import Usage
from tests.core.samples import call

counts = st.integers(0, 10_000)
usages = st.fixed_dictionaries(
    {"prompt_tokens": counts, "completion_tokens": counts},
    optional={
        "completion_tokens_details": st.fixed_dictionaries({"reasoning_tokens": counts}),
    },
)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('{"query": "a"}', {"query": "a"}),
        (' {"query": "a"}\n', {"query": "a"}),
        ("", {}),
        (" \n", {}),
        ('{"query": "a"} and so on', {"query": "a"}),
        ('{"query": "}"}{"query": "b"}', {"query": "}"}),
        ("[]", None),
        ("null", None),
        ("5", None),
        ('{"query": NaN}', None),
        ('{"query": "a \\ud83d"}', {"query": "a \N{REPLACEMENT CHARACTER}"}),
        ('{"a":' * 100_000, None),
        ('{"query": ', None),
        ("query=a", None),
        ("{'query': 'a'}", None),
        ("[" * 100_000, None),
    ],
)
def test_arguments_are_read_as_json(written: str, read: Any) -> None:
    assert call(written).parse_arguments() == read


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ('{"query": "a"}', '{"query": "a"}'),
        (' { "query":"a" } ', '{ "query":"a" }'),
        ('{"query": "a"} and so on', '{"query": "a"}'),
        ("", "{}"),
        (" \n", "{}"),
        ("[]", "{}"),
        ("null", "{}"),
        ('"a"', "{}"),
        ('{"query": ', "{}"),
        ('{"query": "a \\ud83d"}', '{"query": "a \\ufffd"}'),
    ],
)
def test_in_the_history_arguments_are_always_an_object(written: str, kept: str) -> None:
    assert call(written, id="id_1", name="lookup").as_message_part() == {
        "id": "id_1",
        "type": "function",
        "function": {"name": "lookup", "arguments": kept},
    }


def test_a_turn_knows_whose_its_calls_are() -> None:
    calls = tuple(
        ToolCall(str(place), "f", "{}", owner)
        for place, owner in enumerate([Owner.HIDDEN, Owner.CLIENT, Owner.HIDDEN, Owner.NOBODY])
    )
    turn = Turn("", "tool_calls", calls)
    assert [each.id for each in turn.calls_of(Owner.HIDDEN)] == ["0", "2"]
    assert [each.id for each in turn.calls_of(Owner.CLIENT)] == ["1"]
    assert [each.id for each in turn.calls_of(Owner.NOBODY)] == ["3"]
    assert [each.id for each in turn.hidden_calls] == ["0", "2", "3"]


def test_a_turn_becomes_a_message_with_the_calls_that_are_kept() -> None:
    kept, dropped = call({"query": "a"}, id="1"), call({"query": "b"}, id="2")
    assert Turn("Let me look.", "tool_calls", (kept, dropped)).as_message((kept,)) == {
        "role": "assistant",
        "content": "Let me look.",
        "tool_calls": [kept.as_message_part()],
    }
    assert Turn("", "tool_calls", (kept,)).as_message((kept,))["content"] is None


@pytest.mark.parametrize(
    ("total", "more", "both"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, {"a": 2, "b": 3}, {"a": 3, "b": 3}),
        ({"a": 0.5}, {"a": 1}, {"a": 1.5}),
        ({"a": 1}, {"a": None}, {"a": 1}),
        ({}, {"a": None, "d": {"b": None}}, {"d": {}}),
        ({"d": {"a": 1}}, {"d": {"a": 2, "b": 1}}, {"d": {"a": 3, "b": 1}}),
        ({"d": {"a": 1}}, {"d": None}, {"d": {"a": 1}}),
        ({"d": 1}, {"d": {"a": 1}}, {"d": {"a": 1}}),
        ({"name": "x"}, {"name": "y"}, {"name": "y"}),
    ],
)
def test_usage_is_summed_with_its_details(total: Usage, more: Usage, both: Usage) -> None:
    assert add_usage(total, more) == both


@given(st.lists(usages, max_size=4))
@settings(deadline=None)
def test_the_usage_of_many_rounds_is_the_sum_and_leaves_them_as_they_were(
    rounds: list[Any],
) -> None:
    before = copy.deepcopy(rounds)
    total: Any = {}
    for usage in rounds:
        total = add_usage(total, usage)
    assert rounds == before
    assert total.get("prompt_tokens", 0) == sum(each["prompt_tokens"] for each in rounds)
    details = [each.get("completion_tokens_details", {}) for each in rounds]
    assert total.get("completion_tokens_details", {}).get("reasoning_tokens", 0) == sum(
        each.get("reasoning_tokens", 0) for each in details
    )


@pytest.mark.parametrize(
    ("usage", "cached"),
    [
        ({}, 0),
        ({"prompt_tokens_details": None}, 0),
        ({"prompt_tokens_details": {}}, 0),
        ({"prompt_tokens_details": {"cached_tokens": 9, "audio_tokens": 1}}, 9),
    ],
)
def test_cached_tokens_are_those_of_the_details(usage: Usage, cached: int) -> None:
    assert cached_tokens(usage) == cached


def test_a_whole_usage_has_the_three_counts() -> None:
    nothing = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    assert whole_usage({}) == nothing
    counts: Any = {"total_tokens": 7, "extra": 1}
    assert whole_usage(counts) == {**nothing, "total_tokens": 7, "extra": 1}


def test_the_message_of_a_turn_holds_its_reasoning_if_there_is_any() -> None:
    calls = (call("{}"),)
    silent = Turn(text="", finish_reason="tool_calls", calls=calls).as_message(calls)
    thought = Turn(text="", finish_reason="tool_calls", calls=calls, reasoning="hm")
    assert "reasoning_content" not in silent
    assert thought.as_message(calls) == {**silent, "reasoning_content": "hm"}


@pytest.mark.parametrize(
    ("turn", "is_empty"),
    [
        (Turn("", "stop"), True),
        (Turn(" \n", "stop"), True),
        (Turn("Yes.", "stop"), False),
        (Turn("", "length"), False),
        (Turn("", "content_filter"), False),
        (Turn("", "stop", heard=Heard(is_refusal=True)), False),
    ],
)
def test_a_turn_is_empty_if_the_model_ended_it_without_words(turn: Turn, *, is_empty: bool) -> None:
    assert turn.is_empty == is_empty
