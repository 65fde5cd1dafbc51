"""The audit file gets one line for each answer, from every process that serves, in one chain.

A thread writes: see `LineWriter`. Each write is under the file's lock. Within it the thread makes
sure that the file still has its name, reads where the chain ends, and goes on from there. A file
that was moved away, as logrotate does, is followed by a new one that continues its chain: nobody
writes to the old one any more, because all look at the name within the lock.
"""

from __future__ import annotations

import errno
import gzip
import os
import stat
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, cast

import orjson

from proxy.telemetry.audit_chain import BEGINNING, End, end_of, line_after, read_end, read_lines
from proxy.telemetry.line_writer import MOST_BYTES, MOST_WAITING, LineWriter
from proxy.telemetry.rotated import with_rotated
from proxy.telemetry.times import time_of, utc_now

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_SAFE: Final = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
"""A pipe must not make `open` wait: it is refused."""


def open_audit(path: Path) -> int:
    """A descriptor of the file. A new one is for its owner alone.

    Raises OSError, also for what is no regular file: a pipe or a device has no end to go on from.
    """
    return _regular(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _SAFE, 0o600))


@contextmanager
def locked(descriptor: int, *, shared: bool = False) -> Iterator[None]:
    """Hold the file's lock. Who shares it only reads."""
    if fcntl is None:
        yield
        return
    fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


class AuditFile(LineWriter):
    """Appends records, JSON objects, as lines of one chain: see `LineWriter`.

    Lines that were lost are counted by a line of their own, before the next one or at the end.
    """

    what = "audit file"

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], datetime] = utc_now,
        most_waiting: int = MOST_WAITING,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        super().__init__(path, most_waiting=most_waiting, most_bytes=most_bytes)
        self._now = now
        self._descriptor: int | None = None
        self._end = BEGINNING
        """Where the chain ended when this process saw it last."""
        self._size = -1
        """The size of the open file then; -1 if it has not been seen."""

    def _write(self, lines: Sequence[bytes]) -> None:
        untold, lost = self._untold, len(lines)
        try:
            with self._to_append() as descriptor:
                end = self._find_end(descriptor)
                notes = self._notes(end, untold)
                missing = len(notes) + lost - self._append(descriptor, end, [*notes, *lines])
                if missing:
                    if missing <= lost:  # the file has told of the others
                        self._told, lost = self._told + untold, missing
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301 - as a full disk says next
        except OSError as error:
            self._close()
            self._has_failed(error, lost)
            return
        self._has_succeeded(untold)

    def _notes(self, end: End, untold: int) -> list[bytes]:
        """What the file itself tells of lines that are not whole or not there."""
        notes: list[dict[str, object]] = []
        if end.is_cut:
            notes.append({"event": "cut_off"})
        if untold:
            notes.append({"event": "lost", "lines": untold})
        time = time_of(self._now())
        return [orjson.dumps({"time": time, **each}) for each in notes]

    def _append(self, descriptor: int, end: End, records: Sequence[bytes]) -> int:
        """Write the records behind `end`. Returns how many the disk has taken as whole lines."""
        ends, pieces = [end], [b"\n" if end.is_cut else b""]
        for record in records:
            line, end = line_after(end, record)
            pieces.append(line)
            ends.append(end)
        data = b"".join(pieces)
        begin = self._size
        self._size = -1  # unless all goes well
        taken = os.write(descriptor, data)
        whole, count = len(pieces[0]), 0
        while count < len(records) and whole + len(pieces[count + 1]) <= taken:
            count += 1
            whole += len(pieces[count])
        if taken > whole:
            with suppress(OSError):  # a file that may only grow keeps the piece: see `read_end`
                os.ftruncate(descriptor, begin + whole)
        if taken == len(data):
            self._size = begin + taken
        self._end = ends[count]
        return count

    @contextmanager
    def _to_append(self) -> Iterator[int]:
        """The descriptor of the file that has the name now, with its lock."""
        while True:
            if self._descriptor is None:
                self._descriptor, self._size = open_audit(self.path), -1
            descriptor = self._descriptor
            with locked(descriptor):
                if _has_name(self.path, descriptor):
                    yield descriptor
                    return
                old = read_end(descriptor, os.fstat(descriptor).st_size)
                self._end = max(self._end, old)
            self._close()

    def _find_end(self, descriptor: int) -> End:
        """Where the chain ends. An empty file continues that of what logrotate has moved away."""
        size = os.fstat(descriptor).st_size
        if size and size == self._size:
            return self._end
        if size:
            self._end = read_end(descriptor, size)
        else:
            self._end = max(self._end, _end_of_rotated(self.path))._replace(is_cut=False)
        self._size = size
        return self._end

    def _finish(self) -> None:
        if self._untold:
            self._write([])
        self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with suppress(OSError):  # a network's disk may fail only now
                os.close(descriptor)


def _regular(descriptor: int) -> int:
    """The descriptor, if it is that of a regular file. Else closes it and raises OSError."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "It is no regular file")
    return descriptor


def _has_name(path: Path, descriptor: int) -> bool:
    try:
        now, opened = os.stat(path), os.fstat(descriptor)  # noqa: PTH116 - a quarter of the cost of Path.stat
    except FileNotFoundError:
        return False
    return (now.st_dev, now.st_ino) == (opened.st_dev, opened.st_ino)


def _end_of_rotated(path: Path) -> End:
    """Where the chain ends in what was moved away. Who still writes there is waited for.

    A compressed file must be read as a whole. That is done only if it is the newest.
    """
    plain = with_rotated(path)[:-1]
    ends = [BEGINNING]
    newest = 0.0
    for each in plain:
        with suppress(OSError), _to_read(each) as descriptor:
            status = os.fstat(descriptor)
            newest = max(newest, status.st_mtime)
            ends.append(read_end(descriptor, status.st_size))
    for each in {*with_rotated(path, compressed=True)} - {*plain, path}:
        with suppress(OSError, EOFError, zlib.error):
            if each.stat().st_mtime > newest:
                with gzip.open(each) as file:
                    ends.append(end_of(read_lines(cast("BinaryIO", file))))
    return max(ends)


@contextmanager
def _to_read(path: Path) -> Iterator[int]:
    descriptor = _regular(os.open(path, os.O_RDONLY | _SAFE))
    try:
        with locked(descriptor, shared=True):
            yield descriptor
    finally:
        os.close(descriptor)
