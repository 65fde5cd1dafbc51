"""A clock that calls back within tens of microseconds of a time.

The timers of event loops count whole milliseconds. That is too coarse to space tokens 5 ms apart
and to measure what a gateway adds to that. This clock is a Linux timerfd that the event loop
watches.
"""

from __future__ import annotations

import asyncio
import ctypes
import heapq
import itertools
import os
import time
from collections.abc import Callable
from typing import Final

_MONOTONIC: Final = 1
_ABSOLUTE: Final = 1
_EXPIRATIONS: Final = 8
"""How many bytes a read of a timerfd returns."""
_NANOSECONDS: Final = 1_000_000_000


class _TimerSpec(ctypes.Structure):
    """C's itimerspec: an interval, which stays 0, and a time."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


class Clock:
    """Calls back at times of `time.monotonic`, in their order, within the running event loop."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._timer: int = self._libc.timerfd_create(_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._timer < 0:
            raise OSError(ctypes.get_errno(), "no timer could be made")
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._armed_for = float("inf")
        asyncio.get_running_loop().add_reader(self._timer, self._ring)

    def call_at(self, when: float, callback: Callable[[], object]) -> None:
        heapq.heappush(self._due, (when, next(self._numbers), callback))
        if when < self._armed_for:
            self._arm(when)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._timer)
        os.close(self._timer)

    def _arm(self, when: float) -> None:
        self._armed_for = when
        seconds, nanoseconds = divmod(max(1, round(when * _NANOSECONDS)), _NANOSECONDS)
        spec = _TimerSpec(0, 0, seconds, nanoseconds)
        if self._libc.timerfd_settime(self._timer, _ABSOLUTE, ctypes.byref(spec), None) < 0:
            raise OSError(ctypes.get_errno(), "the timer could not be set")

    def _ring(self) -> None:
        try:
            os.read(self._timer, _EXPIRATIONS)
        except BlockingIOError:
            return  # someone set the timer anew since it rang
        self._armed_for = float("-inf")  # a callback that calls again sets no timer
        while self._due and self._due[0][0] <= time.monotonic():
            heapq.heappop(self._due)[2]()
        self._armed_for = float("inf")
        if self._due:
            self._arm(self._due[0][0])
