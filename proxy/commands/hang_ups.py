"""SIGHUP: the signal to read files again, which also comes when a terminal closes."""

from __future__ import annotations

import signal
from types import FrameType


class HangUps:
    """Counts the signals, so that each reader of a file sees whether one came since it last read.

    It never ends the process: a stream survives when a terminal closes.
    """

    def __init__(self) -> None:
        self._count = 0

    def __call__(self) -> int:
        return self._count

    def listen(self) -> None:
        """Count from now on, also a signal that was held back while this process began."""
        if hasattr(signal, "SIGHUP"):  # not on Windows
            signal.signal(signal.SIGHUP, self._hear)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1
