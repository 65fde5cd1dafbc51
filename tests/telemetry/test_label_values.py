"""What a label may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.telemetry.label_values import OTHER, Values, codes


def test_what_is_known_is_named_and_nothing_else() -> None:
    values = Values(["llama"])
    assert [values.of(each) for each in ("llama", "", "evil")] == ["llama", "", OTHER]
    assert values.of("evil", is_right=True) == OTHER


def test_what_turns_out_right_is_known_from_then_on() -> None:
    values = Values(more=1)
    assert values.of("new") == OTHER
    assert values.of("new", is_right=True) == "new"
    assert values.of("new") == "new"
    assert values.of("newer", is_right=True) == OTHER


def test_a_very_long_name_is_never_a_label() -> None:
    assert Values(more=5).of("x" * 201, is_right=True) == OTHER


@given(st.lists(st.tuples(st.text(), st.booleans())), st.integers(0, 5))
def test_there_are_never_more_values_than_it_was_said(
    given_values: list[tuple[str, bool]], more: int
) -> None:
    values = Values(["a", "b"], more=more)
    found = {values.of(value, is_right=is_right) for value, is_right in given_values}
    assert len(found - {"a", "b", "", OTHER}) <= more


@pytest.mark.parametrize(
    "code", ["empty_scope", "queue_full", "invalid_request_error", "upstream_timeout"]
)
def test_codes_are_those_of_all_errors(code: str) -> None:
    assert code in codes()
