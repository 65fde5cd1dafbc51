from __future__ import annotations

from proxy.surfaces.waiting import Waiting


class Connection:
    is_evicted = False

    def evict(self) -> None:
        self.is_evicted = True


def test_as_many_as_the_limit_may_wait() -> None:
    waiting = Waiting(3)
    connections = [Connection() for _ in range(3)]
    for each in connections:
        waiting.add(each, "one")
    assert not any(each.is_evicted for each in connections)
    assert len(waiting) == 3


def test_a_newcomer_takes_the_place_of_the_one_that_has_waited_longest() -> None:
    waiting = Waiting(2)
    first, second, third = (Connection() for _ in range(3))
    for each in (first, second, third):
        waiting.add(each, "one")
    assert (first.is_evicted, second.is_evicted, third.is_evicted) == (True, False, False)
    assert len(waiting) == 2


def test_one_that_waits_anew_is_the_newest_and_counts_once() -> None:
    waiting = Waiting(2)
    first, second, third = (Connection() for _ in range(3))
    for each in (first, second, first, third):
        waiting.add(each, "one")
    assert (first.is_evicted, second.is_evicted, third.is_evicted) == (False, True, False)


def test_whoever_holds_the_most_loses_one_of_them() -> None:
    waiting = Waiting(10)
    quiet = Connection()
    waiting.add(quiet, "quiet")
    greedy = [Connection() for _ in range(100)]
    for each in greedy:
        waiting.add(each, "greedy")
    assert not quiet.is_evicted
    assert sum(not each.is_evicted for each in greedy) == 9
    newcomer = Connection()
    waiting.add(newcomer, "new")
    assert not newcomer.is_evicted
    assert not quiet.is_evicted


def test_one_that_waits_no_longer_is_not_evicted_and_leaves_its_place() -> None:
    waiting = Waiting(2)
    first, second, third = (Connection() for _ in range(3))
    waiting.add(first, "one")
    waiting.add(second, "other")
    waiting.discard(first)
    waiting.discard(first)
    waiting.add(third, "one")
    assert not any(each.is_evicted for each in (first, second, third))
    assert len(waiting) == 2


def test_nothing_is_remembered_of_those_that_have_left() -> None:
    waiting = Waiting(10)
    for number in range(100):
        connection = Connection()
        waiting.add(connection, f"address {number}")
        waiting.discard(connection)
    assert not waiting._of
