"""A thread that writes lines to a file. However slow the disk is, the event loop does not wait.

An answer is never lost for its line. To wake the thread for each line would cost an answer more
than all else here. So it rests after each write, and then takes all lines that have come.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import ClassVar, Final

MOST_WAITING: Final = 10_000
"""So many lines wait for a slow disk. More are lost."""
MOST_BYTES: Final = 64_000_000
"""The most bytes of waiting lines."""
PATIENCE_S: Final = 5.0
"""How long the end of the proxy waits for a slow disk."""
_REST_S: Final = 0.1
_AT_ONCE: Final = 100
"""The most lines of one write."""

_log = logging.getLogger(__name__)


class LineWriter(ABC):
    """Takes lines for a file. `append` and `close` belong to one thread, that of the event loop."""

    what: ClassVar[str]
    """What the log calls the file."""

    def __init__(
        self, path: Path, *, most_waiting: int = MOST_WAITING, most_bytes: int = MOST_BYTES
    ) -> None:
        self.path = path
        self._most_waiting, self._most_bytes = most_waiting, most_bytes
        self._waiting: SimpleQueue[bytes | threading.Event | None] = SimpleQueue()
        self._hurry = threading.Event()
        """Somebody waits, so the thread shall not rest."""
        self._thread: threading.Thread | None = None
        self._taken = 0
        """Bytes of all lines that `append` has taken. Only it counts here."""
        self._done = 0
        """Bytes of those that do not wait any more. Only the thread counts here."""
        self._turned_away = 0
        """Lines lost because too many waited. Only `append` counts here."""
        self._lost = 0
        """Lines lost because a write failed. Only the thread counts here."""
        self._told = 0
        """How many of both the log has told of."""
        self._is_failing = False

    def append(self, line: bytes, *, is_urgent: bool = False) -> None:
        """Write a line within a tenth of a second, or at once. This never waits and never fails."""
        is_full = self._waiting.qsize() >= self._most_waiting
        if is_full or self._taken - self._done >= self._most_bytes:
            self._turned_away += 1
            if self._turned_away == 1:
                self._tell_of_slowness()
            return
        self._taken += len(line)
        self._waiting.put(line)
        if is_urgent:
            self._hurry.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self.what, daemon=True)
            self._thread.start()

    def settle(self, patience_s: float = PATIENCE_S) -> bool:
        """Wait until the lines that this process has appended are in the file. For any thread.

        Returns whether they are.
        """
        if self._thread is None or not self._thread.is_alive():
            return True
        done = threading.Event()
        self._waiting.put(done)
        self._hurry.set()
        return done.wait(patience_s)

    def close(self, patience_s: float = PATIENCE_S) -> None:
        """Write what waits, and close the file. A later `append` opens it again."""
        if self._thread is not None:
            self._waiting.put(None)
            self._hurry.set()
            self._thread.join(patience_s)
            self._thread = None

    @abstractmethod
    def _write(self, lines: Sequence[bytes]) -> None:
        """Write lines, and say how it went: see `_has_failed` and `_has_succeeded`."""

    @abstractmethod
    def _close(self) -> None:
        """Close the file. A later `_write` opens it again."""

    def _tell_of_slowness(self) -> None:
        """The first line is lost because too many wait."""
        _log.error("The disk of the %s %s is too slow: lines are lost.", self.what, self.path)

    def _finish(self) -> None:
        """No more lines will come, at least for a while."""
        self._close()

    @property
    def _untold(self) -> int:
        """How many lines have been lost since the log last told of any."""
        return self._lost + self._turned_away - self._told

    def _work(self) -> None:
        lines: list[bytes] = []
        while (each := self._waiting.get()) is not None:
            if isinstance(each, bytes):
                lines.append(each)
            is_last = not self._waiting.qsize()
            if lines and (is_last or len(lines) >= _AT_ONCE or not isinstance(each, bytes)):
                self._take(lines)
            if isinstance(each, threading.Event):
                each.set()
            if is_last:
                self._hurry.wait(_REST_S)
                self._hurry.clear()
        if lines:
            self._take(lines)
        self._finish()

    def _take(self, lines: list[bytes]) -> None:
        self._write(lines)
        self._done += sum(map(len, lines))
        lines.clear()

    def _has_failed(self, error: OSError, lost: int) -> None:
        """A write failed, and so many lines are lost. The log tells of it once."""
        self._lost += lost
        if not self._is_failing:
            self._is_failing = True
            why = error.strerror
            _log.error("The %s %s takes no lines: %s", self.what, self.path, why)

    def _has_succeeded(self, lost: int) -> None:
        """A write succeeded. The log tells of the `lost` lines before it, if there are any."""
        self._is_failing = False
        if lost:
            _log.warning("The %s %s takes lines again: %d were lost.", self.what, self.path, lost)
            self._told += lost
