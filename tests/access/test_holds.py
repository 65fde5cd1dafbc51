"""What models may still be asked, as their upstream says."""

from __future__ import annotations

from math import inf

from proxy.access import holds
from proxy.access.holds import Holds


def test_a_model_of_which_nothing_was_said_may_be_asked() -> None:
    assert Holds().until("m", 0.0) == -inf


def test_without_a_request_left_a_model_is_held_until_there_are_more() -> None:
    held = Holds()
    held.note("m", 0, 10.0)
    assert held.until("m", 9.9) == 10.0
    assert held.until("other", 9.9) == -inf
    assert held.until("m", 10.0) == -inf
    assert not held._left


def test_each_request_that_is_sent_takes_one_of_those_that_are_left() -> None:
    held = Holds()
    held.note("m", 2, 10.0)
    held.spend("m")
    assert held.until("m", 1.0) == -inf
    held.spend("m")
    assert held.until("m", 1.0) == 10.0


def test_what_was_said_last_counts() -> None:
    held = Holds()
    held.note("m", 0, 10.0)
    held.note("m", 5, 20.0)
    assert held.until("m", 1.0) == -inf
    held.spend("unknown")
    assert held.until("unknown", 1.0) == -inf


def test_it_remembers_so_many_models_and_no_more() -> None:
    held = Holds()
    for number in range(holds._MOST_MODELS + 1):
        held.note(str(number), 0, 10.0)
    assert held.until("0", 1.0) == -inf
    assert held.until("1", 1.0) == 10.0
    assert len(held._left) == holds._MOST_MODELS
