"""Queue, breaker and retries together on one clock, whatever happens, as a state machine.

Each has a test of its own. Here they meet: retries that come while a circuit is open or the queue
is full, a probe whose client hangs up, a circuit that opens while requests wait, a word that was
heard of a request that then breaks. The histories are drawn from a fixed seed, so they are the same
in every run, and one that fails is printed as a script of steps.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from proxy.access.clients import Client
from proxy.access.fair_queue import Ticket
from proxy.core.effort import Effort
from proxy.core.frames import Hear
from proxy.core.ports import Rounds
from proxy.core.wire import ChatRequest
from proxy.errors import Overloaded, RateLimited, Unreachable, UpstreamError, UpstreamRejected
from proxy.upstreams.http.breaker import BreakerRules
from proxy.upstreams.http.circuits import Circuits
from proxy.upstreams.http.retries import RetriedRounds, Retries
from proxy.upstreams.http.retry_policy import RetryPolicy
from proxy.upstreams.model.guarded import Guarded
from proxy.upstreams.model.queued import Queued
from tests.upstreams.model.bad_days import (
    RETRIES,
    SLOTS,
    WAITS_S,
    Answer,
    BadDay,
    Noting,
    Request,
    Turns,
)

SETTINGS = settings(
    max_examples=120,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
FAULTS = ("503", "503", "500", "broken", "rejected", "quota", "quota for 3 s")


def refused(status: int, wait_s: float | None = None) -> UpstreamError:
    """The upstream has said so in a whole reply, and has done nothing."""
    kind = RateLimited if status == 429 else Overloaded
    error = kind("Scaleway", "No.", cause=f"status_{status}", retry_after_s=wait_s)
    error.is_refused, error.told_status, error.told_wait_s = True, status, wait_s
    return error


def broken() -> UpstreamError:
    """Nobody knows what the upstream has done with it."""
    return Unreachable("Scaleway", "Broke.", cause="reset")


def fault(name: str) -> UpstreamError:
    match name:
        case "broken":
            return broken()
        case "rejected":
            return UpstreamRejected("Scaleway", "No such thing.", cause="status_400")
        case "quota":
            return refused(429)
        case "quota for 3 s":
            return refused(429, 3.0)
        case _:
            return refused(int(name))


class Machine(RuleBasedStateMachine):
    """A bad day, by hypothesis."""

    def __init__(self) -> None:
        super().__init__()
        self.day = self.make()

    def make(self) -> BadDay:
        return BadDay()

    @initialize(unsure=st.booleans())
    def choose(self, *, unsure: bool) -> None:
        self.day.unsure = unsure

    @rule(
        model=st.sampled_from("aab"),
        key=st.sampled_from(("loud", "loud", "quiet")),
        rounds=st.integers(1, 2),
        count=st.integers(1, 4),
    )
    def begin(self, model: str, key: str, rounds: int, count: int) -> None:
        for _ in range(count):
            self.day.begin(model, key, rounds)

    @precondition(lambda self: self.day.upstream.running)
    @rule(place=st.integers(0, 30))
    def say(self, place: int) -> None:
        running = self.day.upstream.running
        self.day.upstream.say(running[place % len(running)])

    @precondition(lambda self: self.day.upstream.running)
    @rule(place=st.integers(0, 30))
    def end_well(self, place: int) -> None:
        running = self.day.upstream.running
        self.day.end(running[place % len(running)])

    @precondition(lambda self: self.day.upstream.running)
    @rule(
        place=st.integers(0, 30),
        name=st.sampled_from(FAULTS),
        count=st.integers(1, 4),
    )
    def fail(self, place: int, name: str, count: int) -> None:
        for _ in range(count):
            running = self.day.upstream.running
            if running:
                self._fail(running[place % len(running)], name)

    def _fail(self, request: Request, name: str) -> None:
        """A reply that has begun can only break."""
        self.day.end(request, fault("broken" if request.answer.has_heard else name))

    @rule(name=st.sampled_from(FAULTS), seconds=st.sampled_from((0.5, 2.0, 4.0)))
    def fail_for_a_while(self, name: str, seconds: float) -> None:
        """All that run fail, and then time passes."""
        for request in tuple(self.day.upstream.running):
            self._fail(request, name)
        self.day.loop.move_on(seconds)

    @precondition(lambda self: self.day.answers)
    @rule(place=st.integers(0, 100))
    def hang_up(self, place: int) -> None:
        self.day.hang_up(self.day.answers[-1 - place % len(self.day.answers)])

    @rule(seconds=st.sampled_from((0.1, 0.25, 0.5, 1.0, 2.0, 9.0, 70.0)))
    def pass_time(self, seconds: float) -> None:
        self.day.loop.move_on(seconds)

    @invariant()
    def holds(self) -> None:
        self.day.check()

    def teardown(self) -> None:
        try:
            self.day.end_all()
        finally:
            self.day.close()


Machine.TestCase.settings = SETTINGS
TestBadDays = Machine.TestCase


class AnybodysTurn(Turns):
    """Does not mind who comes first."""

    def come(self, answer: Answer) -> None:
        answer.waits = False


# What the machine is worth: it finds a chain that lacks a part, or has a wrong one.


class WithoutBreaker(BadDay):
    """Its breaker never opens."""

    def __init__(self) -> None:
        super().__init__()
        self.circuits = Circuits(BreakerRules(failures=0), self.loop.time)


class WithoutEnd(BadDay):
    """It sends again more often than it may."""

    @property
    def policy(self) -> RetryPolicy:
        return RetryPolicy(RETRIES + 1)


class WithoutEars(BadDay):
    """Its retries do not learn what the client has heard."""

    def before(self, rounds: Rounds, answer: Answer) -> Rounds:
        queued = self.queued(Guarded(rounds, self.circuits), answer)
        return RetriedRounds(queued, Retries(self.policy, Effort(until=answer.effort.until)))


class WithoutSlots(BadDay):
    """Its queue lets one more through than there are slots."""

    def __init__(self) -> None:
        super().__init__()
        self.queue.line.slots = SLOTS + 1


class WithoutKeys(BadDay):
    """All clients wait in one row."""

    def queued(self, guarded: Guarded, answer: Answer) -> Rounds:
        noting = Noting(guarded, answer, self.turns, is_inside=True)
        queued = Queued(noting, self.queue, Client("all", "all"), answer.effort, guarded.check)
        return Noting(queued, answer, self.turns)


class Forgetful(Queued):
    """It keeps the slot of a request that fails."""

    async def ask(self, body: ChatRequest, hear: Hear) -> None:
        self.check(body["model"])
        ticket = Ticket(self.client.of_key, None, body["model"])
        if not self.queue.enter(ticket):
            await self.queue.wait(ticket, WAITS_S)
        await self.rounds.ask(body, hear)
        self.queue.leave(ticket)


class WithoutReturn(BadDay):
    """A slot is lost with each request that fails."""

    def queued(self, guarded: Guarded, answer: Answer) -> Rounds:
        client = Client(answer.key, answer.key)
        return Forgetful(guarded, self.queue, client, answer.effort, guarded.check)


@pytest.mark.long
@pytest.mark.parametrize(
    ("broken_day", "told"),
    [
        (WithoutBreaker, "a model was asked while its circuit was open"),
        (WithoutEnd, "a round was sent 4 times"),
        (WithoutEars, "a round was sent again of which something was heard"),
        (WithoutSlots, "more requests at once than there are slots"),
        (WithoutKeys, "a key that waits was passed by twice"),
        (WithoutReturn, "a slot belongs to no request"),
    ],
)
def test_a_chain_with_a_fault_is_found(broken_day: type[BadDay], told: str) -> None:
    class Broken(Machine):
        def make(self) -> BadDay:
            day = broken_day()
            if broken_day is not WithoutKeys:
                day.turns = AnybodysTurn(day.turns.answers)  # the fault in question is another one
            return day

    # Which examples come depends on the code that is loaded, so there are more than are needed.
    fast = settings(SETTINGS, max_examples=1_000, phases=(Phase.generate,))
    with pytest.raises(AssertionError, match=told):
        run_state_machine_as_test(Broken, settings=fast)
