"""A deadline that moves with every packet, kept by a timer that rarely has to be set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf


class Deadline:
    """A deadline and its one timer.

    A timer that fires early sets itself again. Most deadlines move away long before that, so most
    connections never pay for a second timer. `put_off` moves the deadline. Where each call counts,
    the owner assigns `at` itself, and calls `set_timer` only if `at < rings_at`.

    The owner gives its callback each time, not to the constructor. A stored callback would refer
    to the owner, and then only the garbage collector could free the two.
    """

    __slots__ = ("_loop", "_timer", "at", "rings_at")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self.at = inf
        """When the deadline expires, in the loop's time; `inf` for never."""
        self.rings_at = inf
        """When the timer fires."""

    def put_off(self, seconds: float, expire: Callable[[], None]) -> None:
        """Let the deadline pass so many seconds from now, and call `expire` then."""
        self.at = self._loop.time() + seconds
        if self.at < self.rings_at:
            self.set_timer(expire)

    def set_timer(self, expire: Callable[[], None]) -> None:
        """Call `expire` as soon as the deadline, wherever it has moved to, has passed."""
        self.stop()
        self._timer = self._loop.call_at(self.at, self._look_at_clock, expire)
        self.rings_at = self.at

    def stop(self) -> None:
        """Cancel the timer. The deadline itself stays."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self.rings_at = inf

    def _look_at_clock(self, expire: Callable[[], None]) -> None:
        self.stop()
        if self._loop.time() >= self.at:
            expire()
        elif self.at != inf:
            self.set_timer(expire)
