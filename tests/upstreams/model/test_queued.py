"""The rounds of answers, each in a slot of the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from proxy.access.clients import ANYBODY, Client, Person
from proxy.access.fair_queue import QueueRules
from proxy.access.grants import Grant
from proxy.core.effort import Effort
from proxy.errors import CircuitOpen, Overloaded, QueueTimeout
from proxy.upstreams.http.breaker import BreakerRules
from proxy.upstreams.http.circuits import Circuits
from proxy.upstreams.model.guarded import Guarded
from proxy.upstreams.model.model_queue import ModelQueue
from proxy.upstreams.model.queued import Queued
from tests.support.clock import Clock, skipping_clock
from tests.upstreams.model.played import FULL, Played, asking
from tests.upstreams.model.test_model_queue import settled


class World:
    """A queue of one slot before a model that keeps failing after two failures."""

    def __init__(self, clock: Clock, slots: int = 1) -> None:
        self.clock = clock
        self.upstream = Played()
        circuits = Circuits(BreakerRules(2), chance=lambda: 0.0)
        self.guarded = Guarded(self.upstream, circuits)
        self.queue = ModelQueue(QueueRules(slots, slots))

    def of(self, client: Client = ANYBODY, effort: Effort | None = None) -> Queued:
        effort = effort or Effort()
        return Queued(self.guarded, self.queue, client, effort, self.guarded.check)

    async def start(self, answer: Queued, model: str = "a") -> asyncio.Task[None]:
        task = asyncio.create_task(answer.ask(asking(model), lambda _: None))
        await settled()
        return task

    def stop(self) -> asyncio.Event:
        """Let rounds go on after their first words only when this is set."""
        self.upstream.gate = asyncio.Event()
        return self.upstream.gate


@contextmanager
def world(slots: int = 1) -> Iterator[World]:
    with skipping_clock() as clock:
        yield World(clock, slots)


async def test_a_slot_is_held_to_the_end_of_the_round_and_no_longer() -> None:
    with world() as made:
        gate = made.stop()
        first = await made.start(made.of())
        second = await made.start(made.of(), "b")
        assert made.upstream.asked == ["a"]
        gate.set()
        await asyncio.wait((first, second))
        assert made.upstream.asked == ["a", "b"]
        assert made.queue.line.running == 0


async def test_the_slot_of_a_client_that_hangs_up_is_free_at_once() -> None:
    with world() as made:
        made.stop()
        first = await made.start(made.of())
        second = await made.start(made.of(), "b")
        first.cancel()
        await settled()
        assert made.upstream.asked == ["a", "b"]
        second.cancel()
        await asyncio.wait((first, second))
        assert made.queue.line.running == 0


async def test_a_round_that_fails_gives_its_slot_back() -> None:
    with world() as made:
        made.upstream.will("a", FULL)
        with pytest.raises(Overloaded):
            await made.of().ask(asking("a"), lambda _: None)
        assert made.queue.line.running == 0


async def test_the_second_round_of_an_answer_goes_before_first_ones() -> None:
    with world() as made:
        answer = made.of()
        await answer.ask(asking("a"), lambda _: None)
        gate = made.stop()
        tasks = [await made.start(made.of(), model) for model in ("b", "c")]
        tasks.append(await made.start(answer, "a"))
        gate.set()
        await asyncio.wait(tasks)
        assert made.upstream.asked == ["a", "b", "a", "c"]


async def test_a_first_round_that_failed_has_begun_no_answer() -> None:
    with world() as made:
        answer = made.of()
        made.upstream.will("a", FULL)
        with pytest.raises(Overloaded):
            await answer.ask(asking("a"), lambda _: None)
        gate = made.stop()
        tasks = [await made.start(made.of(), "b"), await made.start(made.of(), "c")]
        tasks.append(await made.start(answer, "a"))
        gate.set()
        await asyncio.wait(tasks)
        assert made.upstream.asked == ["a", "b", "c", "a"]


async def test_keys_and_their_people_take_turns_by_weight() -> None:
    heavy = Client("heavy", "1", Grant(weight=2))
    ann, bob = (Client("team", "2", person=Person(name)) for name in ("ann", "bob"))
    with world() as made:
        gate = made.stop()
        tasks = [await made.start(made.of(), "first")]
        for client, model in (
            *[(heavy, "h")] * 4,
            *[(ann, "ann")] * 2,
            (bob, "bob"),
            (ANYBODY, "any"),
        ):
            tasks.append(await made.start(made.of(client), model))
        gate.set()
        await asyncio.wait(tasks)
        assert made.upstream.asked[1:] == ["h", "h", "ann", "any", "h", "h", "bob", "ann"]


async def test_a_model_that_keeps_failing_fails_at_once_however_many_wait() -> None:
    with world() as made:
        for _ in range(2):
            made.upstream.will("a", FULL)
            with pytest.raises(Overloaded):
                await made.of().ask(asking("a"), lambda _: None)
        gate = made.stop()
        running = await made.start(made.of(), "b")
        with pytest.raises(CircuitOpen):
            await made.of().ask(asking("a"), lambda _: None)
        gate.set()
        await running


async def test_those_that_wait_for_a_model_that_begins_to_fail_are_not_sent() -> None:
    with world() as made:
        gate = made.stop()
        running = await made.start(made.of(), "b")
        waiting = [await made.start(made.of(), "a") for _ in range(5)]
        made.upstream.will("a", FULL, FULL)
        gate.set()
        await asyncio.wait((running, *waiting))
        kinds = [type(each.exception()) for each in waiting]
        assert kinds == [Overloaded] * 2 + [CircuitOpen] * 3
        assert made.upstream.asked == ["b", "a", "a"]
        assert made.queue.line.running == 0


async def test_a_probe_is_one_that_has_a_slot() -> None:
    """So those that come while it waits are not refused because of it."""
    with world() as made:
        for _ in range(2):
            made.upstream.will("a", FULL)
            with pytest.raises(Overloaded):
                await made.of().ask(asking("a"), lambda _: None)
        gate = made.stop()
        running = await made.start(made.of(), "b")
        made.clock.skip(1.1)
        waiting = [await made.start(made.of(), "a") for _ in range(2)]
        assert not any(each.done() for each in waiting)
        gate.set()
        await asyncio.gather(running, *waiting)
        assert made.upstream.asked[2:] == ["b", "a", "a"]


async def test_the_wait_is_told_and_all_attempts_at_the_first_round_share_it() -> None:
    with world() as made:
        made.stop()
        effort = Effort()
        answer = made.of(effort=effort)
        made.upstream.will("a", FULL)
        running = await made.start(made.of(), "b")
        first = await made.start(answer)
        made.clock.skip(5)
        assert 5 <= effort.timeline.before_first_s(made.clock.time()) < 5.1
        running.cancel()
        await settled()
        assert isinstance(first.exception(), Overloaded)
        assert 5 <= effort.timeline.queued_s < 5.1
        running = await made.start(made.of(), "b")
        second = await made.start(answer)
        made.clock.skip(3.8)
        await settled()
        assert not second.done()
        made.clock.skip(0.3)
        await settled()
        assert isinstance(second.exception(), QueueTimeout)
        assert 9 <= effort.timeline.queued_s < 9.2
        running.cancel()
        await asyncio.wait((running,))


async def test_requiring_a_model_takes_no_slot() -> None:
    with world() as made:
        made.stop()
        running = await made.start(made.of(), "b")
        answer = made.of()
        await answer.require("a")
        assert made.upstream.required == ["a"]
        assert answer.name == "Scaleway"
        running.cancel()
        await asyncio.wait((running,))
