"""Answers on a bad day: what they ask of a model, through what stands before it, on a clock.

`BadDay` is driven from outside. It does what it is told, at a time that it is told, and asserts
at each step what must hold whatever happens. It judges by rules of its own, as an upstream and a
client see them, and not by what the parts under test say of themselves.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from proxy.access.clients import Client
from proxy.access.fair_queue import QueueRules
from proxy.core.effort import Effort
from proxy.core.frames import Hear, TextChunk
from proxy.core.ports import Rounds
from proxy.core.wire import ChatRequest, Chunk
from proxy.errors import CircuitOpen, ProxyError, UpstreamError
from proxy.tasks import Behind
from proxy.upstreams.http.breaker import BreakerRules
from proxy.upstreams.http.circuits import Circuits, is_failure
from proxy.upstreams.http.retries import RetriedRounds, Retries
from proxy.upstreams.http.retry_policy import MODEL_STATUSES, RetryPolicy
from proxy.upstreams.model.guarded import Guarded
from proxy.upstreams.model.model_queue import ModelQueue
from proxy.upstreams.model.queued import Queued
from tests.upstreams.model.played import asking, saying

FAILURES: Final = 3
RETRIES: Final = 2
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 8.0
ANSWER_S: Final = 60.0
SLOTS: Final = 3
WAITS_S: Final = 9.0
HAIR_S: Final = 1e-6
"""What sums of times may differ by, as floats do."""
QUEUE: Final = QueueRules(SLOTS, SLOTS, length=8, timeout_s=WAITS_S)


class HandLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still unless it is moved on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def settle(self) -> None:
        """Run until all that can happen now has happened."""
        ready: deque[asyncio.Handle] = self._ready  # type: ignore[attr-defined]
        self.call_soon(self.stop)
        while ready:
            self.run_forever()
            if ready:
                self.call_soon(self.stop)

    def move_on(self, seconds: float) -> None:
        """Move on from timer to timer, so that each fires at its own time."""
        until = self.now + seconds
        while (at := self._next_timer()) is not None and at <= until:
            self.now = max(self.now, at)
            self.settle()
        self.now = until
        self.settle()

    def _next_timer(self) -> float | None:
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        return min((each.when() for each in scheduled if not each.cancelled()), default=None)


@dataclass(eq=False, slots=True)
class Answer:
    """One answer that asks for a round, and for another one if `rounds` says so."""

    model: str
    key: str
    rounds: int
    effort: Effort
    task: asyncio.Task[None] | None = None
    sent: int = 0
    """How often the round that runs was sent."""
    has_heard: bool = False
    """Whether the client has heard anything of it."""
    ended_well: int = 0
    """How many of its rounds the upstream has ended well."""
    waits: bool = False
    """Whether its turn at a first round has still to come."""

    def hear(self, chunks: Sequence[Chunk | TextChunk]) -> Behind:  # noqa: ARG002  # the protocol
        self.has_heard = self.effort.has_heard = True
        return None


@dataclass(eq=False, slots=True)
class Request:
    """One that the upstream is at work on."""

    answer: Answer
    hear: Hear
    end: asyncio.Future[None]


@dataclass(slots=True)
class _Health:
    """What is surely true of a model's circuit, by the table of `breaker`."""

    in_a_row: int = 0
    is_open: bool = False
    is_sure: bool = True
    """Whether nothing has happened that counts or does not, as things stand inside."""
    silent_until: float = 0.0
    """No request may come before."""
    probe: Request | None = None

    def succeed(self) -> None:
        self.in_a_row, self.is_open, self.is_sure, self.probe = 0, False, True, None

    def fail(self, request: Request, now: float, told_s: float) -> None:
        if self.is_open and request is not self.probe:
            return
        self.in_a_row += 1
        if self.is_open or self.in_a_row >= FAILURES:
            self.in_a_row, self.is_open, self.probe = 0, True, None
            self.silent_until = now + max(FIRST_PAUSE_S, min(told_s, LONGEST_PAUSE_S))

    def send(self, request: Request, now: float) -> None:
        if not self.is_open:
            return
        if self.is_sure:
            assert now >= self.silent_until, "a model was asked while its circuit was open"
        self.probe, self.silent_until = request, now + FIRST_PAUSE_S

    def drop(self, request: Request, now: float) -> None:
        if self.probe is request:
            self.probe, self.silent_until = None, now


@dataclass(slots=True)
class Upstream:
    """A model upstream that answers when it is told to."""

    loop: HandLoop
    answers: dict[str, Answer] = field(default_factory=dict)
    """By what they ask."""
    name: str = "Scaleway"
    running: list[Request] = field(default_factory=list)
    _health: dict[str, _Health] = field(default_factory=dict)

    async def require(self, model: str) -> None:
        """All models are there."""

    async def ask(self, body: ChatRequest, hear: Hear) -> None:
        answer = self.answers[str(body["messages"][-1]["content"])]
        request = Request(answer, hear, self.loop.create_future())
        health = self._health.setdefault(answer.model, _Health())
        self._check(answer)
        health.send(request, self.loop.now)
        self.running.append(request)
        try:
            await request.end
        except UpstreamError as error:
            self._judge(health, request, error)
            raise
        else:
            health.succeed()
            answer.ended_well += 1
        finally:
            self.running.remove(request)
            health.drop(request, self.loop.now)

    def say(self, request: Request) -> None:
        """Say a word of the round."""
        health = self._health[request.answer.model]
        health.is_sure = health.is_sure and not (health.in_a_row or health.is_open)
        request.hear([saying({"content": "word"})])

    def _check(self, answer: Answer) -> None:
        assert not answer.has_heard, "a round was sent again of which something was heard"
        assert answer.sent <= RETRIES, f"a round was sent {answer.sent + 1} times"
        is_late = answer.sent > 0 and self.loop.now >= answer.effort.until
        assert not is_late, "a round was sent again after the answer's time"
        others = [each for each in self.running if each.answer is answer]
        assert not others, "a round was sent again while it ran"
        assert len(self.running) < SLOTS, "more requests at once than there are slots"
        answer.sent += 1

    def _judge(self, health: _Health, request: Request, error: UpstreamError) -> None:
        if not is_failure(error):
            return
        if request.answer.has_heard:
            health.is_sure = False
        else:
            health.fail(request, self.loop.now, error.retry_after_s or 0.0)


@dataclass(slots=True)
class Turns:
    """Whose turn it is among first rounds: of two keys that wait, neither is passed by twice.

    A further round goes before them all, and takes no turn: neither its wait nor its end counts.
    """

    answers: Sequence[Answer]
    _passed: dict[str, int] = field(default_factory=dict)
    """How often others had a turn since a key that waits had one, or began to wait."""

    def wait(self, answer: Answer) -> None:
        if answer.ended_well:
            return
        if not self._waiting(answer.key):
            self._passed[answer.key] = 0
        answer.waits = True

    def come(self, answer: Answer) -> None:
        answer.waits = False
        if answer.ended_well:
            return
        self._passed[answer.key] = 0
        for key in self._passed.keys() - {answer.key}:
            self._passed[key] += self._waiting(key)
            assert self._passed[key] <= 1, "a key that waits was passed by twice"

    def _waiting(self, key: str) -> bool:
        return any(each.waits and each.key == key for each in self.answers)


@dataclass(slots=True)
class Noting:
    """Notes when a round begins to wait; with `is_inside`, when its turn has come."""

    rounds: Rounds
    answer: Answer
    turns: Turns
    is_inside: bool = False

    @property
    def name(self) -> str:
        return self.rounds.name

    async def require(self, model: str) -> None:
        await self.rounds.require(model)

    async def ask(self, body: ChatRequest, hear: Hear) -> None:
        if self.is_inside:
            self.turns.come(self.answer)
        else:
            self.turns.wait(self.answer)
        try:
            await self.rounds.ask(body, hear)
        finally:
            self.answer.waits = False


class BadDay:
    """The chain, an upstream, and the answers that have begun."""

    def __init__(self) -> None:
        self.loop = HandLoop()
        self.upstream = Upstream(self.loop)
        self.answers: list[Answer] = []
        self.turns = Turns(self.answers)
        self.queue = ModelQueue(QUEUE, self.loop.time)
        rules = BreakerRules(FAILURES, LONGEST_PAUSE_S, FIRST_PAUSE_S)
        self.unsure = False
        """Whether the proxy may send again what the upstream may have worked on."""
        self.circuits = Circuits(rules, self.loop.time, lambda: 0.0)

    @property
    def policy(self) -> RetryPolicy:
        return RetryPolicy(RETRIES, unsure=self.unsure, chance=lambda: 0.5)

    def before(self, rounds: Rounds, answer: Answer) -> Rounds:
        """What stands before the upstream for one answer, from the inside out."""
        guarded = Guarded(rounds, self.circuits)
        return RetriedRounds(self.queued(guarded, answer), Retries(self.policy, answer.effort))

    def queued(self, guarded: Guarded, answer: Answer) -> Rounds:
        """A model with the queue before it, and what notes who waits."""
        client = Client(answer.key, f"id-{answer.key}")
        inside = Noting(guarded, answer, self.turns, is_inside=True)
        queued = Queued(inside, self.queue, client, answer.effort, guarded.check)
        return Noting(queued, answer, self.turns)

    def begin(self, model: str, key: str, rounds: int = 1) -> Answer:
        answer = Answer(model, key, rounds, Effort(until=self.loop.now + ANSWER_S))
        name = str(len(self.answers))
        self.answers.append(answer)
        self.upstream.answers[name] = answer
        answer.task = self.loop.create_task(self._run(answer, name))
        self.loop.settle()
        return answer

    async def _run(self, answer: Answer, name: str) -> None:
        chain = self.before(self.upstream, answer)
        for _ in range(answer.rounds):
            answer.sent, answer.has_heard, answer.effort.has_heard = 0, False, False
            body = asking(answer.model)
            body["messages"][-1]["content"] = name
            await chain.ask(body, answer.hear)

    def end(self, request: Request, error: UpstreamError | None = None) -> None:
        """The upstream ends a request, well or with an error."""
        if error is None:
            request.end.set_result(None)
        else:
            request.end.set_exception(error)
        self.loop.settle()

    def hang_up(self, answer: Answer) -> None:
        assert answer.task is not None
        answer.task.cancel()
        self.loop.settle()

    def check(self) -> None:
        """What holds at every moment."""
        line = self.queue.line
        assert line.running == len(self.upstream.running), "a slot belongs to no request"
        assert not line.waiting or line.running == SLOTS, "somebody waits although a slot is free"
        for answer in self.answers:
            waited_s = answer.effort.timeline.before_first_s(self.loop.now)
            assert waited_s < WAITS_S + HAIR_S, f"an answer has waited for {waited_s} s"
            task = answer.task
            if task is None or not task.done():
                continue
            running = [each for each in self.upstream.running if each.answer is answer]
            assert not running, "an answer has ended, and its request goes on"
            if task.cancelled():
                continue
            error = task.exception()
            if isinstance(error, AssertionError):
                raise error
            assert error is None or isinstance(error, ProxyError), f"not told to clients: {error!r}"
            assert error is not None or answer.ended_well == answer.rounds
            if isinstance(error, UpstreamError) and not isinstance(error, CircuitOpen):
                self._check_told(answer, error)

    def _check_told(self, answer: Answer, error: UpstreamError) -> None:
        """SDKs must not send again what the proxy has sent as often as it may."""
        if answer.sent > RETRIES and error.told_status in MODEL_STATUSES:
            assert not error.retryable, "after our own retries, SDKs would multiply them"

    def end_all(self) -> None:
        """The upstream is well again. Then every answer ends, and new ones are answered."""
        for _ in range(1_000):
            while self.upstream.running:
                self.end(self.upstream.running[0])
            if all(each.task is None or each.task.done() for each in self.answers):
                break
            self.loop.move_on(1.0)
        else:
            raise AssertionError("an answer does not end")
        self.check()
        self.loop.move_on(LONGEST_PAUSE_S)
        for model in ("a", "b"):
            last = self.begin(model, "quiet")
            assert self.upstream.running, "a model that is well again is not asked"
            self.end(self.upstream.running[0])
            assert last.ended_well == 1
        assert (self.queue.line.running, self.queue.line.waiting) == (0, 0)

    def close(self) -> None:
        for answer in self.answers:
            self.hang_up(answer)
        self.loop.close()
