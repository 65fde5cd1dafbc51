"""The breaker: its states as a script, and what holds whatever happens, as a state machine."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proxy.upstreams.http.breaker import Attempt, Breaker, BreakerRules, State

RULES = BreakerRules(failures=3, longest_s=30.0)


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def breaker(clock: Clock, chance: float = 0.0, rules: BreakerRules = RULES) -> Breaker:
    return Breaker(rules, clock, lambda: chance)


def fail(one: Breaker, times: int = 1) -> None:
    for _ in range(times):
        assert one.wait_s() == 0
        one.fail(one.admit())


def opened(clock: Clock, chance: float = 0.0) -> Breaker:
    one = breaker(clock, chance)
    fail(one, 3)
    assert one.state is State.OPEN
    return one


def test_it_opens_with_the_last_of_as_many_failures_in_a_row() -> None:
    one = breaker(Clock())
    fail(one, 2)
    assert (one.state, one.wait_s()) == (State.CLOSED, 0)
    fail(one)
    assert (one.state, one.wait_s()) == (State.OPEN, 1)


def test_a_success_between_failures_begins_the_count_anew() -> None:
    one = breaker(Clock())
    for _ in range(4):
        fail(one, 2)
        one.succeed()
    assert one.state is State.CLOSED


def test_after_the_pause_one_request_is_the_probe() -> None:
    clock = Clock()
    one = opened(clock)
    clock.now += 0.9
    assert one.wait_s() == pytest.approx(0.1)
    clock.now += 0.1
    assert one.wait_s() == 0
    one.admit()
    assert (one.state, one.wait_s()) == (State.PROBING, 1)


def test_each_failed_probe_doubles_the_pause_up_to_the_longest() -> None:
    clock = Clock()
    one = opened(clock)
    pauses = []
    for _ in range(7):
        pauses.append(one.wait_s())
        clock.now += one.wait_s()
        fail(one)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_chance_takes_up_to_half_of_a_pause_away() -> None:
    assert opened(Clock(), chance=1.0).wait_s() == 0.5
    assert opened(Clock(), chance=0.5).wait_s() == 0.75


def test_a_probe_that_succeeds_closes_it_and_lets_all_pass() -> None:
    clock = Clock()
    one = opened(clock)
    clock.now += 1
    one.admit()
    one.succeed()
    assert (one.state, one.wait_s()) == (State.CLOSED, 0)


def test_a_request_that_was_sent_before_closes_it_too() -> None:
    one = opened(Clock())
    one.succeed()
    assert one.state is State.CLOSED


def test_what_fails_late_changes_nothing() -> None:
    clock = Clock()
    one = breaker(clock)
    early = [one.admit() for _ in range(9)]
    for each in early[:3]:
        one.fail(each)
    clock.now += 0.5
    for each in early[3:6]:
        one.fail(each)
    assert one.wait_s() == 0.5
    clock.now += 0.5
    one.admit()
    for each in early[6:]:
        one.fail(each)
    assert one.state is State.PROBING


def test_a_probe_that_is_given_up_lets_the_next_one_go_at_once() -> None:
    clock = Clock()
    one = opened(clock)
    clock.now += 1
    one.drop(one.admit())
    assert (one.state, one.wait_s()) == (State.OPEN, 0)


def test_what_is_given_up_while_it_is_closed_is_no_failure() -> None:
    one = breaker(Clock())
    for _ in range(9):
        one.drop(one.admit())
    assert one.has_recovered


def test_a_probe_that_says_nothing_makes_room_for_another_and_may_still_succeed() -> None:
    clock = Clock()
    one = opened(clock)
    clock.now += 1
    lost = one.admit()
    clock.now += 1
    assert one.wait_s() == 0
    one.admit()
    one.fail(lost)
    assert (one.state, one.wait_s()) == (State.PROBING, 1)
    one.succeed()
    assert one.wait_s() == 0


def test_pauses_stay_long_until_as_many_have_succeeded_in_a_row() -> None:
    clock = Clock()
    one = opened(clock)
    one.succeed()
    assert not one.has_recovered
    fail(one, 3)
    assert one.wait_s() == 2
    one.succeed()
    for _ in range(2):
        one.succeed()
    assert one.has_recovered
    fail(one, 3)
    assert one.wait_s() == 1


def test_an_upstream_gets_the_pause_that_it_asks_for_within_the_longest() -> None:
    one, other = breaker(Clock()), breaker(Clock())
    for each, wait_s in ((one, 12.0), (other, 3600.0)):
        fail(each, 2)
        each.fail(each.admit(), wait_s)
    assert (one.wait_s(), other.wait_s()) == (12, 30)


EXACT = st.integers(4, 60 * 64).map(lambda number: number / 64)
"""Seconds that add up without rounding."""


class Machine(RuleBasedStateMachine):
    """An upstream that is up or down, and requests that end as it is, or are given up."""

    @initialize(
        failures=st.integers(1, 6),
        longest_s=EXACT,
        chances=st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1),
    )
    def begin(self, failures: int, longest_s: float, chances: list[float]) -> None:
        self.clock = Clock()
        self.made = BreakerRules(failures, longest_s)
        self.breaker = Breaker(self.made, self.clock, itertools.cycle(chances).__next__)
        self.is_up = True
        self.running: list[Attempt] = []
        self.probed_at: float | None = None
        self.pause_s = 0.0
        self.up_since = self.clock.now

    @rule(is_up=st.booleans())
    def turn(self, is_up: bool) -> None:  # noqa: FBT001  # hypothesis passes it
        if is_up and not self.is_up:
            self.up_since = self.clock.now
        self.is_up = is_up

    @rule(seconds=EXACT)
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def wait_as_told(self) -> None:
        self.clock.now += self.breaker.wait_s()

    @precondition(lambda self: self.breaker.wait_s() == 0)
    @rule()
    def ask(self) -> None:
        was = self.breaker.state
        self.running.append(self.breaker.admit())
        if was is State.CLOSED:
            return
        assert self.breaker.state is State.PROBING
        if was is State.PROBING:  # the probe before it is lost: it has had its time
            assert self.probed_at is not None
            assert self.clock.now >= self.probed_at + self.pause_s
        self.probed_at, self.pause_s = self.clock.now, self.breaker.wait_s()

    @precondition(lambda self: self.running)
    @rule(data=st.data(), is_given_up=st.booleans())
    def end(self, data: st.DataObject, is_given_up: bool) -> None:  # noqa: FBT001  # hypothesis passes it
        attempt = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        if is_given_up:
            self.breaker.drop(attempt)
        elif self.is_up:
            self.breaker.succeed()
            assert self.breaker.wait_s() == 0
        else:
            self.breaker.fail(attempt)

    @invariant()
    def it_never_refuses_for_longer_than_the_longest_pause(self) -> None:
        assert 0 <= self.breaker.wait_s() <= self.made.longest_s

    @invariant()
    def only_one_probe_runs(self) -> None:
        if self.breaker.state is State.PROBING and self.clock.now < self.breaker._until:
            assert self.breaker.wait_s() > 0

    def teardown(self) -> None:
        """Once the upstream is up, what comes after the longest pause is served, and all after."""
        if not hasattr(self, "breaker"):
            return
        self.clock.now += self.made.longest_s
        assert self.breaker.wait_s() == 0
        self.breaker.admit()
        self.breaker.succeed()
        for _ in range(self.made.failures):
            assert self.breaker.wait_s() == 0
            self.breaker.admit()
            self.breaker.succeed()
        assert self.breaker.has_recovered


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=150, stateful_step_count=60, deadline=None, derandomize=True
)
