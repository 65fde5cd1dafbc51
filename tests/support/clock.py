"""The clock of the running event loop, moved on at will: nothing waits for real time to pass.

So a time limit over real sockets is long, and runs out when what must come before it has come,
however slow the machine is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Final, TypeVarTuple
from unittest import mock

import uvloop

Ts = TypeVarTuple("Ts")

LIMIT_S: Final = 30
"""A time limit that runs out only when the clock is moved on."""

_TURNS: Final = 50
"""Of the event loop: more than any chain of work needs that waits for nothing."""


class Clock:
    """The time of the running event loop, ahead of the real one by as much as was skipped."""

    def __init__(self) -> None:
        self._real = asyncio.get_running_loop().time
        self._ahead_s = 0.0

    def time(self) -> float:
        return self._real() + self._ahead_s

    def skip(self, seconds: float) -> None:
        """Move on: timers that end meanwhile fire when the event loop runs next."""
        self._ahead_s += seconds

    async def run_out(self) -> None:
        """Let everything happen that needs no time, and then let a limit of LIMIT_S run out."""
        await idle()
        self.skip(LIMIT_S + 1)


@contextmanager
def skipping_clock() -> Iterator[Clock]:
    """Give the running event loop a clock that can be moved on."""
    clock = Clock()
    with mock.patch.object(asyncio.get_running_loop(), "time", clock.time):
        yield clock


async def idle() -> None:
    """Let everything happen that needs no time."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


class SkippingLoop(uvloop.Loop):
    """uvloop's event loop, whose clock can be moved on.

    uvloop keeps timers where they cannot be seen, so each is set anew when the clock is moved.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ahead_s = 0.0
        self._timers: dict[int, tuple[asyncio.TimerHandle, asyncio.TimerHandle]] = {}
        """What was asked for, by its id, and uvloop's own timer for it."""

    def time(self) -> float:
        return super().time() + self._ahead_s

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(self.time() + delay, callback, args, self, context)
        self._set(timer)
        return timer

    async def run_out(self) -> None:
        """As a Clock's."""
        await idle()
        self._ahead_s += LIMIT_S + 1
        in_order = sorted(self._timers.values(), key=lambda pair: pair[0].when())
        for timer, real in in_order:
            real.cancel()
            self._set(timer)

    def _set(self, timer: asyncio.TimerHandle) -> None:
        left_s = max(0.0, timer.when() - self.time())
        self._timers[id(timer)] = (timer, super().call_later(left_s, self._fire, timer))

    def _fire(self, timer: asyncio.TimerHandle) -> None:
        del self._timers[id(timer)]
        timer._run()

    def _timer_handle_cancelled(self, timer: asyncio.TimerHandle) -> None:
        if found := self._timers.pop(id(timer), None):
            found[1].cancel()
