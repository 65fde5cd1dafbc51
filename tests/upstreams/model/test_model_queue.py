"""The queue before the model, in tasks that wait, give up and are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from proxy.access.fair_queue import Place, QueueRules, Ticket
from proxy.errors import QueueFull, QueueTimeout
from proxy.state.memory_store import MemoryStore
from proxy.upstreams.model.model_queue import ModelQueue, make_queue
from tests.access.queue_samples import ticket
from tests.support.clock import Clock, skipping_clock
from tests.upstreams.raw_server import PATIENCE_S

NOTHING_LEFT = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s"}


class Hall:
    """A queue with one slot, and tasks that wait in it."""

    def __init__(self, clock: Clock, **rules: float) -> None:
        self.clock = clock
        self.queue = ModelQueue(QueueRules(1, 1, **rules))  # type: ignore[arg-type]
        self.tasks: list[asyncio.Task[None]] = []
        self.entered: list[Ticket] = []

    def enter(self) -> Ticket:
        entered = ticket()
        assert self.queue.enter(entered)
        return entered

    async def wait(self, waiting: Ticket | None = None, within_s: float = 9) -> Ticket:
        """Let a task wait, and return once it does."""
        waiting = waiting or ticket()
        self.entered.append(waiting)
        assert not self.queue.enter(waiting)
        self.tasks.append(asyncio.create_task(self.queue.wait(waiting, within_s)))
        await settled()
        return waiting

    def refusal(self) -> QueueFull:
        with pytest.raises(QueueFull) as refused:
            self.queue.enter(ticket())
        return refused.value

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)


@contextmanager
def hall(**rules: float) -> Iterator[Hall]:
    with skipping_clock() as clock:
        yield Hall(clock, **rules)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_one_that_waits_goes_on_when_its_turn_has_come() -> None:
    with hall() as world:
        running = world.enter()
        await world.wait()
        assert not world.tasks[0].done()
        world.queue.leave(running)
        async with asyncio.timeout(PATIENCE_S):
            await world.tasks[0]
        assert world.queue.line.running == 1
        assert not world.queue._turns


async def test_one_that_waited_too_long_is_told_when_to_come_again() -> None:
    with hall(length=9) as world:
        running = world.enter()
        for _ in range(5):
            await world.wait(within_s=60)
        for task in world.tasks[:2]:  # two ends in eight seconds, while others wait
            world.clock.skip(4)
            world.queue.leave(running)
            await task
            running = next(each for each in world.entered if each.place is Place.RUNNING)
        late = await world.wait()
        world.clock.skip(9.01)
        await settled()
        with pytest.raises(QueueTimeout) as refused:
            await world.tasks.pop()
        # By then two in 17 seconds: the fifth comes after 43 s, and may wait for 4.5 of them.
        assert refused.value.message == "The model was busy for 9 seconds. Try again in 39 s."
        assert refused.value.retry_after_s == 39
        assert late.place is Place.OUTSIDE
        await world.end()


async def test_without_room_one_is_refused_at_once_with_the_wait_that_ends_suggest() -> None:
    with hall(length=2, timeout_s=4, retry_after_max_s=7) as world:
        running = world.enter()
        await world.wait(within_s=60)
        await world.wait(within_s=60)
        assert world.refusal().retry_after_s == 4  # nobody knows: as long as one may wait
        assert world.refusal().message == (
            "Too many requests wait for the model already. Try again in 4 s."
        )
        world.clock.skip(1.7)
        world.queue.leave(running)
        await world.wait(within_s=60)
        assert (
            world.refusal().retry_after_s == 4
        )  # the third, after 5.1 s: it may wait for 2 of them
        world.clock.skip(30)
        assert world.refusal().retry_after_s == 7
        await world.end()


async def test_one_that_is_cancelled_leaves_the_queue() -> None:
    with hall() as world:
        running = world.enter()
        gone, stays = await world.wait(), await world.wait()
        world.tasks[0].cancel()
        await settled()
        assert gone.place is Place.OUTSIDE
        world.queue.leave(running)
        await world.tasks[1]
        assert stays.place is Place.RUNNING
        assert world.queue.line.waiting == 0


async def test_one_that_is_cancelled_just_as_it_gets_its_slot_gives_it_to_the_next() -> None:
    for cancels_first in (True, False):
        with hall() as world:
            running = world.enter()
            gone, stays = await world.wait(), await world.wait()
            if cancels_first:
                world.tasks[0].cancel()
            world.queue.leave(running)
            assert gone.place is Place.RUNNING
            world.tasks[0].cancel()
            await asyncio.wait(world.tasks, timeout=PATIENCE_S)
            assert world.tasks[0].cancelled()
            assert [gone.place, stays.place] == [Place.OUTSIDE, Place.RUNNING]
            assert world.queue.line.running == 1


async def test_a_model_without_requests_left_is_not_asked_until_there_are_more() -> None:
    with hall() as world:
        world.queue.told("m", NOTHING_LEFT)
        waiting = await world.wait()
        other = ticket(model="other")
        assert world.queue.enter(other)
        world.queue.leave(other)
        world.clock.skip(1.5)
        await settled()
        assert waiting.place is Place.HELD
        world.clock.skip(0.6)
        async with asyncio.timeout(PATIENCE_S):
            await world.tasks[0]
        assert world.queue._timer is None


async def test_a_later_reply_that_says_more_lets_them_go() -> None:
    with hall() as world:
        world.queue.told("m", NOTHING_LEFT)
        await world.wait()
        world.queue.told("m", {**NOTHING_LEFT, "x-ratelimit-remaining-requests": "7"})
        await settled()
        assert world.tasks[0].done()


async def test_a_model_is_held_for_as_long_as_one_may_wait_at_most() -> None:
    with hall(timeout_s=4) as world:
        world.queue.told("m", {**NOTHING_LEFT, "x-ratelimit-reset-requests": "1h"})
        await world.wait()
        world.clock.skip(4.1)
        async with asyncio.timeout(PATIENCE_S):
            await world.tasks[0]


async def test_replies_that_say_nothing_hold_nothing() -> None:
    with hall() as world:
        world.queue.told("m", {"content-type": "text/event-stream"})
        assert world.queue.enter(ticket())


async def test_a_queue_that_is_closed_leaves_no_timer() -> None:
    with hall() as world:
        world.queue.told("m", NOTHING_LEFT)
        await world.wait()
        timer = world.queue._timer
        assert timer is not None
        await world.queue.aclose()
        assert timer.cancelled()
        await world.end()


def test_in_memory_the_slots_are_the_processes_own() -> None:
    queue = make_queue(MemoryStore(0), "")
    queue.take(QueueRules(100, 25))
    assert queue.line.slots == 25
    assert queue.shared is None


async def test_more_slots_let_those_go_on_that_wait_and_fewer_stop_nobody() -> None:
    with hall() as world:
        first = world.enter()
        await world.wait()
        world.queue.take(QueueRules(2, 2))
        async with asyncio.timeout(PATIENCE_S):
            await world.tasks[0]
        world.queue.take(QueueRules(1, 1))
        assert world.queue.line.running == 2
        late = await world.wait()
        world.queue.leave(first)
        assert late.place is Place.WAITING
        world.queue.leave(world.entered[0])
        async with asyncio.timeout(PATIENCE_S):
            await world.tasks[1]


async def test_a_shorter_queue_refuses_those_who_come_then() -> None:
    with hall(length=5) as world:
        world.enter()
        await world.wait()
        world.queue.take(QueueRules(1, 1, length=1))
        world.refusal()
        await world.end()


@pytest.mark.parametrize("is_held", [True, False])
async def test_one_that_waited_too_long_says_whether_its_model_alone_was_held(
    *, is_held: bool
) -> None:
    with hall() as world:
        if is_held:
            world.queue.told("m", NOTHING_LEFT)
        else:
            world.enter()
        await world.wait(within_s=1)
        world.clock.skip(1.01)
        await settled()
        with pytest.raises(QueueTimeout) as refused:
            await world.tasks.pop()
        assert refused.value.is_of_model is is_held
