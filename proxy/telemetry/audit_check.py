"""Whether the lines of an audit are a whole chain, and where they are not.

The chain shows every change but one: whoever can write the file can cut off its end, or write its
end anew. Only a hash that was noted elsewhere shows that: see `Check.missing`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from proxy.telemetry.audit_chain import BEGINNING, NO_HASH, End, Link, closed, hash_of, read_link

_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z")


class Fault(NamedTuple):
    """Something that a whole chain does not have."""

    file: str
    place: int
    """Which line of the file, from 1."""
    what: str


@dataclass(slots=True)
class Check:
    """Reads the lines of one chain, file by file, in the order in which they were written."""

    after: str = ""
    """The hash of the line before the first; "" if the first one is number 1."""
    holds: Iterable[str] = ()
    """Hashes that lines must have."""
    faults: list[Fault] = field(init=False, default_factory=list)
    lines: int = field(init=False, default=0)
    times: tuple[str, str] = field(init=False, default=("", ""))
    """Those of the first line and the last one that have a time."""
    numbers: tuple[int, int] = field(init=False, default=(0, 0))
    """Those of the first line and the last one."""
    missing: set[str] = field(init=False)
    """Those of `holds` that no line has."""
    end: End = field(init=False, default=BEGINNING)

    def __post_init__(self) -> None:
        self.missing = set(self.holds)

    def read(self, file: str, lines: Iterable[bytes]) -> None:
        for place, line in enumerate(lines, 1):
            for what in self._read(line):
                self.faults.append(Fault(file, place, what))

    def _read(self, line: bytes) -> list[str]:
        """Take in a line. Returns what is wrong with it."""
        whole = closed(line)
        own = hash_of(whole)
        self.missing.discard(own)
        link = read_link(line)
        if link is None:
            number = self.end.number + 1
            faults = [_of_no_line(line)]
        else:
            number = link.number
            faults = self._of_place(link) + _of_event(link)
            self._note_time(link)
        self.numbers = (self.numbers[0] or number, number)
        self.end = End(number, own)
        self.lines += 1
        return faults

    def _of_place(self, link: Link) -> list[str]:
        if not self.lines:
            return self._of_beginning(link)
        before = self.end.number
        if link.number > before + 1:
            return [f"{_numbered(before + 1, link.number - 1)} missing before it"]
        if link.number <= before:
            return [f"number {link.number} stands after number {before}"]
        if link.previous != self.end.hash:
            return [f"it does not follow from number {before}: one of them was changed"]
        return []

    def _of_beginning(self, link: Link) -> list[str]:
        """The first line is number 1, or follows what was noted of the line before."""
        if self.after:
            follows = link.previous == self.after
            return [] if follows else ["it does not follow from the hash of --after"]
        if link.number > 1:
            return [f"{_numbered(1, link.number - 1)} missing before it"]
        is_first = link.previous == NO_HASH
        return [] if is_first else ["it is number 1, but follows another line"]

    def _note_time(self, link: Link) -> None:
        time = link.record.get("time")
        if isinstance(time, str) and _TIME.fullmatch(time):
            self.times = (self.times[0] or time, time)


def _of_no_line(line: bytes) -> str:
    if not line.endswith(b"\n"):
        return "it is cut off"
    return "it is cut off, or no line of an audit"


def _of_event(link: Link) -> list[str]:
    """What the proxy itself says is not there."""
    if link.record.get("event") != "lost":
        return []
    lines = link.record.get("lines")
    how_many = f"{lines:,}" if type(lines) is int else "some"
    return [f"the proxy could not write {how_many} of the lines before it"]


def _numbered(first: int, last: int) -> str:
    return f"number {first} is" if first == last else f"numbers {first} to {last} are"
