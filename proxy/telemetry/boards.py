"""The boards of all processes that serve together, and what they show in sum."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proxy.telemetry.board import Board, Labels, Snapshot, read_board
from proxy.telemetry.series import ALL, Series

Sums = dict[Series, dict[Labels, tuple[float, ...]]]
"""The numbers of every series, also of those that count nothing yet."""

STALE_S: Final = 10.0
"""Gauges that were not written for so long are those of a process that is dead, or hangs."""


@dataclass(frozen=True, slots=True)
class Boards:
    """All boards there are: those in `folder`, or that of the only process."""

    own: Board | None = None
    folder: Path | None = None

    def read(self) -> Sums:
        """The sums now. It reads files: call it in a thread."""
        return sums_of(self._snapshots(), time.time())

    def _snapshots(self) -> Iterable[Snapshot]:
        if self.folder is None:
            return [] if self.own is None else [self.own.read()]
        return [read_board(each.read_bytes()) for each in sorted(self.folder.iterdir())]


def sums_of(snapshots: Iterable[Snapshot], now: float) -> Sums:
    """What the boards of some processes show together."""
    known = {each.name: each for each in ALL}
    sums: Sums = {each: {} for each in ALL}
    for snapshot in snapshots:
        is_alive = now - snapshot.written_at < STALE_S
        for (name, labels), numbers in snapshot.numbers.items():
            series = known[name]
            if is_alive or not series.is_gauge:
                found = sums[series].get(labels, (0.0,) * len(numbers))
                sums[series][labels] = _both(series, found, numbers)
    return sums


def _both(series: Series, left: tuple[float, ...], right: tuple[float, ...]) -> tuple[float, ...]:
    if series.kind == "highest":
        return tuple(map(max, left, right))
    return tuple(one + other for one, other in zip(left, right, strict=True))
