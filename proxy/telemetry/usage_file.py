"""The usage file gets one line for each answer, from every process that serves.

A thread writes: see `LineWriter`. A write is of whole lines, to a file that is open for appending,
so processes share the file without locks. Where a disk is full, a line may be cut: the reader of
the file finds the next one.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from proxy.telemetry.facts import RequestFacts
from proxy.telemetry.line_writer import MOST_WAITING, LineWriter
from proxy.telemetry.times import utc_now
from proxy.telemetry.usage_record import UsageRecords

_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)


def open_to_append(path: Path) -> int:
    """A descriptor of the file. A new one is for its owner alone. Raises OSError."""
    return os.open(path, _FLAGS, 0o600)


class UsageFile(LineWriter):
    """Appends lines to a file: see `LineWriter`.

    When the file is moved away, as logrotate does, the next line begins a new one.
    """

    what = "usage file"

    def __init__(self, path: Path, *, most_waiting: int = MOST_WAITING) -> None:
        super().__init__(path, most_waiting=most_waiting)
        self._descriptor: int | None = None
        self._identity = (0, 0)

    def _write(self, lines: Sequence[bytes]) -> None:
        whole = b"".join(lines)
        done = 0
        try:
            done = os.write(self._open(), whole)
            if done < len(whole):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301 - as a full disk says next
        except OSError as error:
            self._close()
            self._has_failed(error, whole.count(b"\n", done))
            return
        self._has_succeeded(self._untold)

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


class Usage:
    """Notes what each answer took."""

    def __init__(
        self, file: UsageFile, records: UsageRecords, now: Callable[[], datetime] = utc_now
    ) -> None:
        self.file = file
        self._records = records
        self._now = now

    def note(self, facts: RequestFacts) -> None:
        self.file.append(self._records.line(facts, self._now()))
