"""Where the log goes: lines on stderr, which a thread of its own writes.

Theory of operation:

Whoever logs formats the line and puts it into a queue; nobody waits for who reads stderr: a pipe,
a terminal, a disk. The thread may wait as long as it likes. If too many lines wait for it, others
are lost, and a line says how many once those before it are read. No line needs a new descriptor, so
the log can say that none are left.

A thread that rests after each write takes few turns from the event loop: see `LineWriter`. What
waits is written before the process ends, be it by its end, a fault or a signal that the server
hears. The thread gets a second for that, and only once: a reader that takes nothing cannot keep the
process.
"""

from __future__ import annotations

import logging
import os
import select
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Final

from proxy.telemetry.line_writer import LineWriter

MOST_LINES: Final = 10_000
MOST_BYTES: Final = 8_000_000
_PATIENCE_S: Final = 1.0
_AT_ONCE: Final = getattr(select, "PIPE_BUF", 512)
"""How many bytes a pipe takes whole: lines of several workers do not mix below that."""


class LogHandler(logging.Handler):
    """Gives lines to the thread that writes them to a descriptor."""

    def __init__(
        self, descriptor: int, *, most_lines: int = MOST_LINES, most_bytes: int = MOST_BYTES
    ) -> None:
        super().__init__()
        self._lines = _Lines(descriptor, self._lost, most_lines, most_bytes)
        self._is_stuck = False
        """Nobody has read what was waited for, so nobody waits any more."""

    def emit(self, record: logging.LogRecord) -> None:
        is_urgent = record.levelno >= logging.WARNING
        self._lines.append(_written(self.format(record)), is_urgent=is_urgent)

    def flush(self) -> None:
        """Wait until all lines are written, but not for a reader that takes none."""
        if not self._is_stuck:
            self._is_stuck = not self._lines.settle(_PATIENCE_S)

    def close(self) -> None:
        self.flush()
        super().close()

    def _lost(self, count: int) -> bytes:
        """The line that tells of lines that were lost."""
        what = "one line was" if count == 1 else f"{count} lines were"
        told = f"Too few lines of the log were read: {what} lost."
        name, level = __name__, logging.WARNING
        return _written(self.format(logging.LogRecord(name, level, "", 0, told, None, None)))


class _Lines(LineWriter):
    """Writes to a descriptor for as long as the process lives. The log cannot tell of itself."""

    what: ClassVar = "log"

    def __init__(
        self, descriptor: int, notice: Callable[[int], bytes], most_waiting: int, most_bytes: int
    ) -> None:
        super().__init__(Path("stderr"), most_waiting=most_waiting, most_bytes=most_bytes)
        self._descriptor = descriptor
        self._notice = notice

    def _tell_of_slowness(self) -> None:
        """The next line that is written tells of it."""

    def _write(self, lines: Sequence[bytes]) -> None:
        for each in lines:
            self._lost += not self._put(each)
        if (lost := self._untold) and not self._waiting.qsize() and self._put(self._notice(lost)):
            self._told += lost

    def _put(self, line: bytes) -> bool:
        """Whether all of a line was written. If not, nobody reads any more."""
        try:
            while line:
                line = line[self._write_some(line[:_AT_ONCE]) :]
        except OSError:
            return False
        return True

    def _write_some(self, data: bytes) -> int:
        while True:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:  # whoever shares the descriptor has set it so
                room = select.poll()
                room.register(self._descriptor, select.POLLOUT)
                room.poll()

    def _close(self) -> None:
        """It stays open."""


def _written(line: str) -> bytes:
    return f"{line}\n".encode(errors="backslashreplace")
