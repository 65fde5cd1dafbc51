"""The clock of the running event loop, moved on at will: nothing waits for real time to pass."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock


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


@contextmanager
def skipping_clock() -> Iterator[Clock]:
    """Give the running event loop a clock that can be moved on."""
    clock = Clock()
    with mock.patch.object(asyncio.get_running_loop(), "time", clock.time):
        yield clock
