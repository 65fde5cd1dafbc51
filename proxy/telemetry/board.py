"""The numbers of one process, in memory that others can read: also once the process is dead.

Theory of operation:

A board is a piece of memory, or a file that is mapped into memory. Its process alone writes. It
adds to a number with one store of eight bytes, without a call of the system, so that counting costs
an answer next to nothing, and what was counted survives a process that is killed.

    0    how many bytes are in use
    8    when the gauges were last written, in seconds since 1970
    16   records, one for each series with its labels:
         the length of the key; how many numbers there are; the key as JSON, padded to eight bytes;
         the numbers

A record is complete before the bytes in use grow by it, so who reads never sees half of one. The
process that replaces a dead one goes on with its file: counts never sink, and no file is left over.
"""

from __future__ import annotations

import logging
import mmap
import os
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple, Self

import orjson

from proxy.telemetry.series import ALL, Series

Labels = tuple[str, ...]
Key = tuple[str, Labels]
"""The name of a series, and its labels."""

SIZE: Final = 1 << 22
"""Room for about 25,000 keys. Only pages that are in use take memory."""
_HEAD: Final = Struct("=qd")
_RECORD: Final = Struct("=qq")
_WORD: Final = 8
_GAUGES: Final = frozenset(each.name for each in ALL if each.is_gauge)

_log = logging.getLogger(__name__)


class Snapshot(NamedTuple):
    """What a board shows."""

    written_at: float
    """When its gauges were last written, in seconds since 1970; 0 if never."""
    numbers: dict[Key, tuple[float, ...]]


class Board:
    """See the module. `clock` gives seconds since 1970."""

    def __init__(self, memory: mmap.mmap, clock: Callable[[], float] = time.time) -> None:
        self._memory = memory
        self._clock = clock
        self._view = memoryview(memory)
        self._numbers = self._view.cast("d")
        self._used = self._view.cast("q")
        self._places: dict[Key, int] = {}
        """Where in `_numbers` those of a key begin."""
        self._has_warned = False
        if not self._used[0]:
            self._used[0] = _HEAD.size
        for key, place, _ in _records(self._view):
            self._places[key] = place
        self._gauges = {place for (name, _), place in self._places.items() if name in _GAUGES}
        if self._gauges:  # those of a process that is dead
            self.show({})

    @classmethod
    def alone(cls) -> Self:
        """That of the only process."""
        return cls(mmap.mmap(-1, SIZE))

    @classmethod
    def at(cls, path: Path) -> Self:
        """That of one process among others. It goes on with what is in the file. Raises OSError."""
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(file, SIZE)
            return cls(mmap.mmap(file, SIZE))
        finally:
            os.close(file)

    def add(self, series: Series, labels: Labels, amount: float = 1.0) -> None:
        """Count. Only the process of the board may do so, in one thread."""
        place = self._places.get((series.name, labels)) or self._new(series, labels)
        if place:
            self._numbers[place] += amount

    def observe(self, series: Series, labels: Labels, value: float) -> None:
        """Count `value` in its bucket of a histogram."""
        place = self._places.get((series.name, labels)) or self._new(series, labels)
        if place:
            self._numbers[place + bisect_left(series.buckets, value)] += 1.0
            self._numbers[place + len(series.buckets) + 1] += value

    def show(self, gauges: Mapping[tuple[Series, Labels], float]) -> None:
        """Let these be the values of all gauges. Those that are missing become 0."""
        places: dict[int, float] = {}
        for (series, labels), value in gauges.items():
            place = self._places.get((series.name, labels)) or self._new(series, labels)
            if place:
                places[place] = value
        for place in self._gauges - places.keys():
            self._numbers[place] = 0.0
        self._gauges |= places.keys()
        for place, value in places.items():
            self._numbers[place] = value
        self._numbers[1] = self._clock()

    def read(self) -> Snapshot:
        """What it shows now. Any thread may ask."""
        return read_board(self._view[: self._used[0]])

    def close(self) -> None:
        """Let go of the memory. Afterwards nothing can be counted."""
        for view in (self._numbers, self._used, self._view):
            view.release()
        self._memory.close()

    def _new(self, series: Series, labels: Labels) -> int:
        """The place of a key that is counted for the first time; 0 if there is no room for it."""
        written = orjson.dumps((series.name, labels))
        end = self._used[0]
        begin = end + _RECORD.size + _padded(len(written))
        if begin + series.numbers * _WORD > len(self._view):
            self._warn()
            return 0
        _RECORD.pack_into(self._view, end, len(written), series.numbers)
        self._view[end + _RECORD.size : end + _RECORD.size + len(written)] = written
        for place in range(begin // _WORD, begin // _WORD + series.numbers):
            self._numbers[place] = 0.0
        self._used[0] = begin + series.numbers * _WORD
        self._places[series.name, labels] = begin // _WORD
        return begin // _WORD

    def _warn(self) -> None:
        if not self._has_warned:
            self._has_warned = True
            _log.warning("The metrics have more series than there is room for. New ones are lost.")


def read_board(content: bytes | memoryview) -> Snapshot:
    """What the memory or the file of a board shows; nothing if it is empty."""
    if len(content) < _HEAD.size:
        return Snapshot(0.0, {})
    view = memoryview(content)
    _, written_at = _HEAD.unpack_from(view)
    return Snapshot(written_at, {key: numbers for key, _, numbers in _records(view)})


def _records(view: memoryview) -> list[tuple[Key, int, tuple[float, ...]]]:
    """The complete records: the key, the place of the first number, and the numbers."""
    found: list[tuple[Key, int, tuple[float, ...]]] = []
    used, _ = _HEAD.unpack_from(view)
    at = _HEAD.size
    while at < min(used, len(view)):
        length, count = _RECORD.unpack_from(view, at)
        at += _RECORD.size
        name, labels = orjson.loads(view[at : at + length])
        at += _padded(length)
        found.append(
            ((name, tuple(labels)), at // _WORD, Struct(f"={count}d").unpack_from(view, at))
        )
        at += count * _WORD
    return found


def _padded(length: int) -> int:
    return -(-length // _WORD) * _WORD
