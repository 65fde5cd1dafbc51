"""Whose turn it is."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import cast

import pytest

from proxy.access.fair_queue import Ticket
from proxy.access.round_robin import RoundRobin
from tests.access.queue_samples import ticket


def waiting(*tickets: Ticket) -> RoundRobin:
    turns = RoundRobin()
    for each in tickets:
        turns.put(each)
    return turns


def taken(turns: RoundRobin, most: int = sys.maxsize) -> list[Ticket]:
    found: list[Ticket] = []
    while len(found) < most and (each := turns.take()) is not None:
        found.append(cast("Ticket", each))
    return found


def keys(tickets: Iterable[Ticket]) -> str:
    return "".join(str(each.key) for each in tickets)


def people(tickets: Iterable[Ticket]) -> str:
    return "".join(str(each.person) for each in tickets)


def test_keys_take_turns_however_many_requests_each_has() -> None:
    turns = waiting(*[ticket("a") for _ in range(5)], ticket("b"), ticket("c"), ticket("b"))
    assert keys(taken(turns)) == "abcabaaa"
    assert len(turns) == 0


def test_the_people_of_a_key_share_its_turns() -> None:
    turns = waiting(*[ticket("k", who) for who in "xxxxyzy"], ticket("b", "-"))
    order = taken(turns)
    assert keys(order).startswith("kbk")
    assert people(each for each in order if each.key == "k") == "xyzxyxx"


def test_requests_of_one_person_keep_their_order() -> None:
    tickets = [ticket() for _ in range(4)]
    assert taken(waiting(*tickets)) == tickets


def test_a_key_of_weight_three_is_served_three_times_in_a_row() -> None:
    turns = waiting(*[ticket("a", weight=3) for _ in range(7)], *[ticket("b") for _ in range(4)])
    assert keys(taken(turns)) == "aaabaaababb"


@pytest.mark.parametrize(("before", "after", "order"), [(3, 1, "abababaa"), (1, 3, "abaaabab")])
def test_a_weight_that_changes_holds_from_the_next_turn_on(
    before: int, after: int, order: str
) -> None:
    turns = waiting(*[ticket("a", weight=before) for _ in range(4)], ticket("b"))
    turns.put(ticket("a", weight=after))
    turns.put(ticket("b"))
    turns.put(ticket("b"))
    assert keys(taken(turns)) == order


def test_whoever_leaves_is_not_served_and_leaves_nothing_behind() -> None:
    tickets = [ticket("a", "x"), ticket("a", "x"), ticket("a", "y"), ticket("b")]
    turns = waiting(*tickets)
    turns.remove(tickets[0])
    turns.remove(tickets[2])
    assert taken(turns) == [tickets[1], tickets[3]]
    turns = waiting(*tickets)
    for each in tickets:
        turns.remove(each)
    assert turns.take() is None
    assert not turns._keys


def test_one_that_comes_back_is_the_next_of_its_person() -> None:
    first, second = ticket(), ticket()
    turns = waiting(second)
    turns.put(first, is_next=True)
    assert taken(turns) == [first, second]
