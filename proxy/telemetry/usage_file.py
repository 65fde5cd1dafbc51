"""The usage file gets one line for each answer, from every process that serves.

A thread writes. However slow the disk is, the event loop does not wait, and an answer is never lost
for its line. A write is of whole lines, to a file that is open for appending, so processes share
the file without locks. Where a disk is full, a line may be cut: the reader of the file finds the
next one.

To wake the thread for each line would cost an answer more than all else here. So it rests after
each write, and then takes all lines that have come.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from proxy.telemetry.facts import RequestFacts
from proxy.telemetry.usage_record import UsageRecords

MOST_WAITING: Final = 10_000
"""So many lines wait for a slow disk, about 6 MB. More are lost."""
PATIENCE_S: Final = 5.0
"""How long the end of the proxy waits for a slow disk."""
_REST_S: Final = 0.1
_AT_ONCE: Final = 100
"""The most lines of one write."""
_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)

_log = logging.getLogger(__name__)


def open_to_append(path: Path) -> int:
    """A descriptor of the file. A new one is for its owner alone. Raises OSError."""
    return os.open(path, _FLAGS, 0o600)


class UsageFile:
    """Appends lines to a file. `append` and `close` belong to one thread, that of the event loop.

    When the file is moved away, as logrotate does, the next line begins a new one.
    """

    def __init__(self, path: Path, *, most_waiting: int = MOST_WAITING) -> None:
        self.path = path
        self._most_waiting = most_waiting
        self._waiting: SimpleQueue[bytes | threading.Event | None] = SimpleQueue()
        self._hurry = threading.Event()
        """Somebody waits, so the thread shall not rest."""
        self._thread: threading.Thread | None = None
        self._descriptor: int | None = None
        self._identity = (0, 0)
        self._turned_away = 0
        """Lines lost because too many waited. Only `append` counts here."""
        self._lost = 0
        """Lines lost because a write failed. Only the thread counts here."""
        self._told = 0
        """How many of both the log has told of."""
        self._is_failing = False

    def append(self, line: bytes) -> None:
        """Write a line within a tenth of a second. This never waits and never fails."""
        if self._waiting.qsize() >= self._most_waiting:
            self._turned_away += 1
            if self._turned_away == 1:
                _log.error("The disk of the usage file %s is too slow: lines are lost.", self.path)
            return
        self._waiting.put(line)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="usage file", daemon=True)
            self._thread.start()

    def settle(self, patience_s: float = PATIENCE_S) -> None:
        """Wait until the lines that this process has appended are in the file. For any thread."""
        if self._thread is not None and self._thread.is_alive():
            done = threading.Event()
            self._waiting.put(done)
            self._hurry.set()
            done.wait(patience_s)

    def close(self, patience_s: float = PATIENCE_S) -> None:
        """Write what waits, and close the file. A later `append` opens it again."""
        if self._thread is not None:
            self._waiting.put(None)
            self._hurry.set()
            self._thread.join(patience_s)
            self._thread = None

    def _work(self) -> None:
        lines: list[bytes] = []
        while (each := self._waiting.get()) is not None:
            if isinstance(each, bytes):
                lines.append(each)
            is_last = not self._waiting.qsize()
            if lines and (is_last or len(lines) >= _AT_ONCE or not isinstance(each, bytes)):
                self._write(b"".join(lines))
                lines.clear()
            if isinstance(each, threading.Event):
                each.set()
            if is_last:
                self._hurry.wait(_REST_S)
                self._hurry.clear()
        if lines:
            self._write(b"".join(lines))
        self._close()

    def _write(self, lines: bytes) -> None:
        done = 0
        try:
            done = os.write(self._open(), lines)
            if done < len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301 - as a full disk says next
        except OSError as error:
            self._lost += lines.count(b"\n", done)
            self._close()
            if not self._is_failing:
                self._is_failing = True
                why = error.strerror
                _log.error("The usage file %s takes no lines: %s", self.path, why)
            return
        self._is_failing = False
        lost = self._lost + self._turned_away
        if lost > self._told:
            _log.warning(
                "The usage file %s takes lines again: %d were lost.", self.path, lost - self._told
            )
            self._told = lost

    def _open(self) -> int:
        """The descriptor of the file that has the name now."""
        if self._descriptor is not None:
            with suppress(FileNotFoundError):
                now = os.stat(self.path)  # noqa: PTH116 - a quarter of the cost of Path.stat
                if (now.st_dev, now.st_ino) == self._identity:
                    return self._descriptor
            self._close()
        descriptor = self._descriptor = open_to_append(self.path)
        opened = os.fstat(descriptor)
        self._identity = (opened.st_dev, opened.st_ino)
        return descriptor

    def _close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with suppress(OSError):  # a network's disk may fail only now
                os.close(descriptor)


def _now() -> datetime:
    return datetime.now(UTC)


class Usage:
    """Notes what each answer took."""

    def __init__(
        self, file: UsageFile, records: UsageRecords, now: Callable[[], datetime] = _now
    ) -> None:
        self.file = file
        self._records = records
        self._now = now

    def note(self, facts: RequestFacts) -> None:
        self.file.append(self._records.line(facts, self._now()))
