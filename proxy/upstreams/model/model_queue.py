"""The queue before the model, for all answers of a process: the rules of `FairQueue` in its tasks.

Whoever need not wait pays for a few calls, and no task waits for anything. Nothing here happens
while a round streams.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from math import ceil, isfinite
from typing import Protocol

from proxy.access.fair_queue import FairQueue, Place, QueueFullError, QueueRules, Ticket
from proxy.errors import QueueFull, QueueTimeout
from proxy.state.store import Store, redis_of
from proxy.upstreams.http.waits import told_left


class SharedSlots(Protocol):
    """Says how many slots this process has of those that processes share."""

    def take(self, limit: int, own: int) -> None:
        """See `QueueRules.slots` and `own`."""

    def changed(self) -> None:
        """More or fewer run or wait than before."""

    async def aclose(self) -> None:
        """Give all slots back."""


class ModelQueue:
    """See the module. `clock` gives seconds, by default those of the event loop."""

    def __init__(self, rules: QueueRules, clock: Callable[[], float] | None = None) -> None:
        self.rules = rules
        self.clock = clock or _loop_time
        self.line = FairQueue(rules.own, rules.length, self.clock)
        self.shared: SharedSlots | None = None
        """By default, nobody but this process has its slots."""
        self._turns: dict[Ticket, asyncio.Future[None]] = {}
        """Done when the turn of each that waits has come."""
        self._timer: asyncio.TimerHandle | None = None

    def take(self, rules: QueueRules) -> None:
        """Let these rules hold from now on, also for those that run and wait."""
        self.rules, self.line.length = rules, rules.length
        if self.shared is not None:
            self.shared.take(rules.slots, rules.own)
            return
        self.line.slots = rules.own
        if self.line.waiting:
            self.look()

    def enter(self, ticket: Ticket) -> bool:
        """Whether `ticket` has a slot. If not, it must `wait`. Raises QueueFull.

        Whoever has entered must `leave`, unless `wait` raises.
        """
        try:
            self.line.enter(ticket)
        except QueueFullError:
            what = "Too many requests wait for the model already."
            wait_s = self._retry_after_s(ticket.model)
            raise QueueFull(f"{what} Try again in {wait_s} s.", retry_after_s=wait_s) from None
        if self.shared is not None:
            self.shared.changed()
        return ticket.place is Place.RUNNING

    async def wait(self, ticket: Ticket, within_s: float) -> None:
        """Return when `ticket` has a slot. Raises QueueTimeout."""
        has_slot = ticket.place is Place.RUNNING
        if has_slot:
            return
        turn = self._turns[ticket] = asyncio.get_running_loop().create_future()
        try:
            self.look()
            async with asyncio.timeout(within_s):
                await turn
            has_slot = True
        except TimeoutError:
            what = f"The model was busy for {self.rules.timeout_s:g} seconds."
            wait_s = self._retry_after_s(ticket.model)
            error = QueueTimeout(f"{what} Try again in {wait_s} s.", retry_after_s=wait_s)
            error.is_of_model = ticket.place is Place.HELD
            raise error from None
        finally:
            self._turns.pop(ticket, None)
            if not has_slot:
                self.leave(ticket)

    def leave(self, ticket: Ticket) -> None:
        """`ticket` needs no slot any more."""
        self.line.leave(ticket)
        self.look()
        if self.shared is not None:
            self.shared.changed()

    def look(self) -> None:
        """Let those go on whose turn has come."""
        for ticket in self.line.serve():
            turn = self._turns.pop(ticket, None)
            if turn is not None and not turn.done():  # else its task was cancelled, and leaves
                turn.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if isfinite(release_s := self.line.next_release_s()):
            self._timer = asyncio.get_running_loop().call_later(release_s, self.look)

    def told(self, model: str, headers: Mapping[str, str]) -> None:
        """The upstream has replied for `model`. If it says that no more may be asked, others wait.

        They do so for as long as one may wait at most. If the upstream still refuses them then, it
        says so itself, and a wrong header has kept nobody out for long.
        """
        left = told_left(headers)
        if left is not None:
            until = self.clock() + min(left.reset_s, self.rules.timeout_s)
            self.line.holds.note(model, left.requests, until)
            if self.line.held:
                self.look()

    async def aclose(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.shared is not None:
            await self.shared.aclose()

    def _retry_after_s(self, model: str) -> int:
        """When one that comes again need not wait for longer than it may, as things go now."""
        wait_s = self.line.wait_s(model)
        if wait_s is None:  # nothing has ended for as long as one may wait
            wait_s = self.rules.timeout_s * 3 / 2
        wait_s -= self.rules.timeout_s / 2
        return ceil(min(max(1.0, wait_s), max(1.0, self.rules.retry_after_max_s)))


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


def make_queue(store: Store, whose: str) -> ModelQueue:
    """A queue that has no rules of its own yet: see `ModelQueue.take`.

    Where `store` is in Redis, processes share its slots. `whose` tells their quota apart from
    others.
    """
    rules = QueueRules()
    queue = ModelQueue(rules)
    if (redis := redis_of(store)) is not None:
        from proxy.state.redis_slots import RedisSlots  # noqa: PLC0415 - most have no Redis

        queue.shared = RedisSlots(
            redis, whose, queue.line, queue.look, limit=rules.slots, own=rules.own
        )
    return queue
