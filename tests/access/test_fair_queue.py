"""Who may ask the model now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from math import inf
from typing import Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from proxy.access.fair_queue import FairQueue, Place, QueueFullError, Ticket
from tests.access.queue_samples import ticket
from tests.state.hand_clock import HandClock
from tests.support.steps import steps_of


def queue(slots: int = 1, length: int = 100, clock: Callable[[], float] | None = None) -> FairQueue:
    return FairQueue(slots, length, clock or HandClock())


def entered(line: FairQueue, *tickets: Ticket) -> list[Place]:
    for each in tickets:
        line.enter(each)
    return [each.place for each in tickets]


def order_of(line: FairQueue, running: Ticket) -> list[Ticket]:
    """The tickets as they are served, one after the other."""
    found: list[Ticket] = []
    while True:
        line.leave(running)
        if not (served := line.serve()):
            return found
        (running,) = served
        found.append(running)


def test_as_many_run_as_there_are_slots_and_the_others_wait() -> None:
    line = queue(2)
    tickets = [ticket() for _ in range(3)]
    assert entered(line, *tickets) == [Place.RUNNING, Place.RUNNING, Place.WAITING]
    assert line.serve() == []
    line.leave(tickets[0])
    assert line.serve() == [tickets[2]]
    assert (line.running, line.waiting) == (2, 0)


def test_nobody_pushes_in_while_others_wait_for_a_slot_that_is_free() -> None:
    line = queue()
    first, second, third = ticket(), ticket(), ticket()
    entered(line, first, second)
    line.leave(first)
    assert entered(line, third) == [Place.WAITING]
    assert line.serve() == [second]


def test_further_rounds_go_before_all_first_ones_in_their_order() -> None:
    line = queue()
    running = ticket()
    firsts = [ticket("a"), ticket("b")]
    furthers = [ticket("a", is_further=True), ticket("a", is_further=True)]
    entered(line, running, *firsts, *furthers)
    assert order_of(line, running) == furthers + firsts


def test_one_more_than_the_queue_holds_is_refused_but_no_further_round_is() -> None:
    line = queue(1, length=2)
    entered(line, *[ticket() for _ in range(3)])
    with pytest.raises(QueueFullError):
        line.enter(refused := ticket())
    assert refused.place is Place.OUTSIDE
    assert entered(line, ticket(is_further=True)) == [Place.WAITING]


def test_whoever_is_held_counts_to_the_queue() -> None:
    line = queue(9, length=2)
    line.holds.note("m", 0, inf)
    entered(line, ticket(), ticket())
    line.serve()
    assert line.held == 2
    with pytest.raises(QueueFullError):
        line.enter(ticket())


def test_no_further_round_that_is_held_takes_the_place_of_a_first_one() -> None:
    line = queue(9, length=1)
    line.holds.note("m", 0, inf)
    entered(line, ticket(is_further=True))
    line.serve()
    assert line.held == 1
    first = ticket()
    assert entered(line, first) == [Place.WAITING]
    line.leave(first)
    assert entered(line, ticket()) == [Place.WAITING]


def test_one_that_leaves_the_queue_is_not_served() -> None:
    line = queue()
    tickets = [ticket(), ticket(), ticket(is_further=True), ticket()]
    entered(line, *tickets)
    line.leave(tickets[1])
    line.leave(tickets[2])
    assert order_of(line, tickets[0]) == [tickets[3]]


def test_a_model_that_is_held_keeps_nobody_else_waiting() -> None:
    clock = HandClock(0)
    line = queue(2, clock=clock)
    line.holds.note("m", 0, 5.0)
    held = [ticket(), ticket(is_further=True), ticket("b")]
    other = ticket(model="other")
    entered(line, *held, other)
    assert line.serve() == [other]
    assert [each.place for each in held] == [Place.HELD] * 3
    assert (line.waiting, line.held, line.next_release_s()) == (0, 3, 5.0)
    line.leave(held[0])
    clock.now = 5.0
    assert line.serve() == [held[1]]
    line.leave(other)
    assert line.serve() == [held[2]]
    assert line.next_release_s() == inf


def test_what_is_held_no_longer_keeps_its_order() -> None:
    clock = HandClock(0)
    line = queue(1, clock=clock)
    line.holds.note("m", 0, 5.0)
    tickets = [ticket() for _ in range(4)]
    entered(line, *tickets[:3])
    line.serve()
    clock.now = 5.0
    line.holds.note("m", 1, 9.0)
    line.enter(tickets[3])
    assert [line.serve(), line.serve()] == [[tickets[0]], []]
    assert (line.waiting, line.held) == (3, 0)
    line.leave(tickets[0])
    assert line.serve() == []
    assert line.held == 3
    for each in tickets[1:]:
        line.leave(each)
    assert line.held == 0
    assert line.next_release_s() == inf


def windows(line: FairQueue, clock: HandClock, *, quota: int) -> Iterator[list[Ticket]]:
    """Whoever is served in each second of an upstream that admits `quota` requests in one."""
    while line.held:
        clock.now += 1
        served: list[Ticket] = []
        while len(served) < quota and (more := line.serve()):
            served += more
            for each in more:
                line.leave(each)
        line.holds.note("m", 0, clock.now + 1)
        line.serve()
        yield served


@pytest.mark.parametrize("weight", [1, 2])
def test_a_small_quota_is_shared_by_keys_as_their_weights_say(weight: int) -> None:
    clock = HandClock(0)
    line = queue(1, clock=clock)
    line.holds.note("m", 0, 1.0)
    entered(line, *[ticket("loud", weight=weight) for _ in range(9)])
    line.serve()
    entered(line, *[ticket("quiet") for _ in range(3)])
    line.serve()
    order = ""
    for served in windows(line, clock, quota=1):
        order += "".join(str(each.key)[0] for each in served)
        if len(order) < 9:  # it comes again and again
            line.enter(ticket("loud", weight=weight))
            line.serve()
    assert order[: 3 * (weight + 1)] == ("l" * weight + "q") * 3


def test_people_who_were_held_keep_their_order_before_those_who_came_later() -> None:
    clock = HandClock(0)
    line = queue(1, clock=clock)
    line.holds.note("m", 0, 1.0)
    entered(line, *[ticket("web", who) for who in "abcdef"])
    line.serve()
    found = []
    for served in windows(line, clock, quota=2):
        found.append("".join(str(each.person) for each in served))
        if len(found) < 3:
            entered(line, ticket("web", "x"), ticket("web", "y"))
            line.serve()
    assert found[:3] == ["ab", "cd", "ef"]


def test_one_that_gets_its_turn_back_may_leave_and_counts_to_the_queue() -> None:
    clock = HandClock(0)
    line = queue(1, length=2, clock=clock)
    line.holds.note("m", 0, 1.0)
    held = [ticket("a"), ticket("b")]
    running = ticket(model="other")
    entered(line, *held)
    line.serve()
    assert entered(line, running) == [Place.RUNNING]
    clock.now = 1.0
    assert line.serve() == []
    assert (line.waiting, line.held) == (2, 0)
    with pytest.raises(QueueFullError):
        line.enter(ticket("c"))
    line.leave(held[0])
    assert order_of(line, running) == [held[1]]


def test_fewer_slots_stop_nobody_and_let_nobody_begin() -> None:
    line = queue(2)
    running = [ticket(), ticket()]
    entered(line, *running, waiting := ticket())
    line.slots = 1
    line.leave(running[0])
    assert line.serve() == []
    line.slots = 2
    assert line.serve() == [waiting]


def test_the_wait_is_told_by_how_fast_slots_came_free() -> None:
    clock = HandClock(0)
    line = queue(1, clock=clock)
    assert line.wait_s("m") is None
    running = ticket()
    line.enter(running)
    for _ in range(9):
        line.enter(ticket())
    for _ in range(4):
        clock.now += 2.0
        line.leave(running)
        (running,) = line.serve()
    clock.now += 2.0
    # 4 ends in 10 s since somebody began to wait, 5 wait: the newcomer is the sixth
    assert line.wait_s("m") == 6 * 10 / 4
    line.holds.note("m", 0, clock.now + 30)
    assert line.wait_s("m") == 30


def test_ends_from_a_time_when_nobody_waited_tell_nothing_of_the_wait() -> None:
    clock = HandClock(0)
    line = queue(1, clock=clock)
    for _ in range(3):
        line.enter(running := ticket())
        clock.now += 60
        line.leave(running)
        line.serve()
    assert line.wait_s("m") is None
    entered(line, running := ticket(), waiting := ticket(), ticket())
    clock.now += 3
    line.leave(running)
    assert line.serve() == [waiting]
    assert line.wait_s("m") == 2 * 3
    line.leave(waiting)
    line.serve()
    assert line.wait_s("m") is None


def test_no_step_takes_longer_because_more_wait() -> None:
    def steps(count: int) -> int:
        line = queue(1, length=count + 1)
        entered(line, running := ticket(), *[ticket(f"k{n % 50}", f"p{n}") for n in range(count)])
        newcomer = ticket("new")

        def work() -> None:
            line.enter(newcomer)
            line.leave(newcomer)
            line.leave(running)
            line.serve()

        return steps_of(work)

    steps(1)  # what is made once is made here
    assert steps(1_600) <= steps(800)


# The state machine


class Admissions(RuleBasedStateMachine):
    """Keys of several weights and people come, run, give up; models are held; time passes."""

    WEIGHTS: Final = {"a": 1, "b": 2, "c": 5}

    @initialize(slots=st.integers(1, 4), length=st.integers(0, 30))
    def begin(self, slots: int, length: int) -> None:
        self.clock = HandClock(0)
        self.length = length
        self.line = FairQueue(slots, length, self.clock)
        self.inside: list[Ticket] = []
        self.slots = slots
        self.most = slots
        self.passed: dict[Ticket, dict[str, int]] = {}
        """How often each key was served while one waited and its model was free."""
        self.held_back: dict[Ticket, dict[str, int]] = {}
        """How often each key had a request that one may have wanted, which was held at some time.

        Those of its own key count whatever they ask, because they take its turns.
        """

    @rule(
        key=st.sampled_from("abc"),
        person=st.sampled_from("xy"),
        model=st.sampled_from("mn"),
        is_further=st.sampled_from([False, False, False, True]),
    )
    def come(self, key: str, person: str, model: str, *, is_further: bool) -> None:
        one = ticket(key, person, model, weight=self.WEIGHTS[key], is_further=is_further)
        waiting = sum(
            each.place is not Place.RUNNING and not each.is_further for each in self.inside
        )
        try:
            self.line.enter(one)
        except QueueFullError:
            assert waiting >= self.length
            assert not is_further
            return
        self.inside.append(one)
        self.passed[one] = defaultdict(int)
        self.serve()

    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        if self.inside:
            one = data.draw(st.sampled_from(self.inside))
            self.inside.remove(one)
            self.line.leave(one)
            assert one.place is Place.OUTSIDE
            self.serve()

    @rule(slots=st.integers(0, 4))
    def share(self, slots: int) -> None:
        self.line.slots = self.slots = slots
        self.most = max(slots, self.line.running)
        self.serve()

    @rule(model=st.sampled_from("mn"), left=st.integers(0, 3), seconds=st.integers(1, 5))
    def hold(self, model: str, left: int, seconds: int) -> None:
        self.line.holds.note(model, left, self.clock.now + seconds)
        self.serve()

    @rule(seconds=st.integers(1, 3))
    def let_time_pass(self, seconds: int) -> None:
        self.clock.now += seconds
        self.serve()

    def serve(self) -> None:
        for served in self.line.serve():
            assert served.place is Place.RUNNING
            for each in self.inside:
                self.pass_by(each, served)
            ahead = self.inside[: self.inside.index(served)]
            for each in ahead:
                alike = (each.key, each.person, each.model, each.is_further)
                if each.place is not Place.RUNNING:
                    assert alike != (served.key, served.person, served.model, served.is_further)
        self.most = max(self.slots, min(self.most, self.line.running))

    def pass_by(self, one: Ticket, served: Ticket) -> None:
        if one.place is Place.HELD:  # it may have to start again behind others
            self.passed[one].clear()
            self.held_back.setdefault(one, defaultdict(int))
        elif one.place is Place.WAITING and not served.is_further:
            self.passed[one][str(served.key)] += 1
        if one in self.held_back and not served.is_further:
            is_rival = served.model == one.model or served.key == one.key
            self.held_back[one][str(served.key)] += is_rival

    @invariant()
    def no_more_run_than_there_are_slots(self) -> None:
        if not hasattr(self, "line"):
            return
        running = [each for each in self.inside if each.place is Place.RUNNING]
        assert len(running) == self.line.running <= self.most

    @invariant()
    def all_are_where_the_queue_counts_them(self) -> None:
        if hasattr(self, "line"):
            places = [each.place for each in self.inside]
            assert places.count(Place.WAITING) == self.line.waiting
            assert places.count(Place.HELD) == self.line.held

    @invariant()
    def no_slot_is_free_while_somebody_waits(self) -> None:
        if hasattr(self, "line"):
            assert not self.line.waiting or self.line.running >= self.line.slots

    @invariant()
    def no_key_is_served_much_more_often_than_its_weight_while_another_one_waits(self) -> None:
        if not hasattr(self, "line"):
            return
        for one in self.inside:
            if one.place is Place.WAITING and not one.is_further:
                own = self.passed[one][str(one.key)]
                for key, weight in self.WEIGHTS.items():
                    rounds = own // self.WEIGHTS[str(one.key)] + 2
                    assert self.passed[one][key] <= rounds * weight

    @invariant()
    def nor_while_its_model_is_held_time_and_again(self) -> None:
        if not hasattr(self, "line"):
            return
        for one, counts in self.held_back.items():
            if one.place in (Place.WAITING, Place.HELD) and not one.is_further:
                own = counts[str(one.key)]
                for key, weight in self.WEIGHTS.items():
                    rounds = own // self.WEIGHTS[str(one.key)] + 3
                    assert counts[key] <= rounds * weight

    def teardown(self) -> None:
        """Nobody starves: whoever is left is served once slots come free."""
        if not hasattr(self, "line"):
            return
        self.line.slots, self.clock.now = 1, self.clock.now + 100
        for _ in range(2 * len(self.inside)):
            self.line.serve()
            for each in [each for each in self.inside if each.place is Place.RUNNING]:
                self.line.leave(each)
                self.inside.remove(each)
        assert not self.inside
        assert (self.line.running, self.line.waiting, self.line.held) == (0, 0, 0)
        assert not self.line._first._keys


TestAdmissions = Admissions.TestCase
TestAdmissions.settings = settings(
    max_examples=150, stateful_step_count=60, deadline=None, derandomize=True
)
