"""Sums over lines of the usage file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import add
from typing import Any, Final, Literal

import orjson

from proxy.telemetry.prices import NANO

By = Literal["key", "person", "profile", "model", "day"]
Record = Mapping[str, Any]
BEGINNING: Final = b'{"time":"'
"""How each line begins. Inside a line it cannot stand: JSON escapes quotes."""
COUNTS: Final = (
    "answers",
    "failed",
    "client_gone",
    "tokens_in",
    "tokens_out",
    "tokens_cached",
    "tokens",
    "searches",
    "reads",
    "uncounted_rounds",
    "unpriced",
)
_FAILED: Final = frozenset({"error", "unanswered"})
_DATE: Final = len("2026-11-26")


class BrokenLineError(ValueError):
    """A line is no record of an answer."""


def read_record(line: bytes) -> tuple[Record, bool]:
    """The record at the end of a line, and whether something broken stands before it.

    A process that is killed, or a full disk, leaves a line without an end. The next line then
    stands right behind it. Raises BrokenLineError.
    """
    try:
        if line.startswith(BEGINNING):
            return orjson.loads(line), False
    except orjson.JSONDecodeError:
        pass  # two lines in one, perhaps
    start = line.rfind(BEGINNING)
    if start <= 0:
        raise BrokenLineError
    try:
        return orjson.loads(line[start:]), True
    except orjson.JSONDecodeError as error:
        raise BrokenLineError from error


class Sums:
    """What a number of answers took."""

    __slots__ = ("_cost", "_counts")

    def __init__(self) -> None:
        self._counts = [0] * len(COUNTS)
        self._cost = 0
        """What is known of the cost, in thousand millionths of a EUR."""

    def add(self, record: Record) -> None:
        """Add one answer, or nothing: raises BrokenLineError."""
        try:
            outcome = record["outcome"]
            of_tokens, of_searches = record["cost_tokens"], record["cost_searches"]
            cost = round(((of_tokens or 0) + (of_searches or 0)) * NANO)
            more = (
                1,
                outcome in _FAILED,
                outcome == "client_gone",
                record["tokens_in"],
                record["tokens_out"],
                record["tokens_cached"],
                record["tokens"],
                record["searches"],
                record["reads"],
                record["uncounted_rounds"],
                of_tokens is None or of_searches is None,
            )
            self._counts = list(map(add, self._counts, more))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise BrokenLineError from error
        self._cost += cost

    def include(self, other: Sums) -> None:
        self._counts = list(map(add, self._counts, other._counts))
        self._cost += other._cost

    @property
    def counts(self) -> dict[str, int]:
        return dict(zip(COUNTS, self._counts, strict=True))

    @property
    def known_cost(self) -> float:
        """In EUR: of everything that has a price."""
        return self._cost / NANO

    @property
    def cost(self) -> float | None:
        """In EUR; None if something has no price."""
        return None if self.counts["unpriced"] else self.known_cost

    def document(self) -> dict[str, float | None]:
        return {**self.counts, "cost": self.cost, "known_cost": self.known_cost}


def day_of(record: Record) -> str:
    """The day (UTC) on which the answer ended. Raises BrokenLineError."""
    time = record.get("time")
    if type(time) is not str:
        raise BrokenLineError
    return time[:_DATE]


def _text(name: str) -> Callable[[Record], str]:
    def read(record: Record) -> str:
        value = record.get(name)
        if type(value) is not str:
            raise BrokenLineError
        return value

    return read


def person_of(record: Record) -> str:
    """The person's name; "" for a key that stands for none, as in all lines of older versions."""
    value = record.get("person", "")
    if type(value) is not str:
        raise BrokenLineError
    return value


GROUPS: Final[Mapping[By, Callable[[Record], str]]] = {
    "key": _text("key"),
    "person": person_of,
    "profile": _text("profile"),
    "model": _text("answered_by"),
    "day": day_of,
}
"""What a record is counted under."""


class Tally:
    """Sums by group, of the days from `since` to `until`, both of them included."""

    def __init__(self, by: By, since: str = "", until: str = "9999") -> None:
        self._group_of = GROUPS[by]
        self._since, self._until = since, until
        self.groups: dict[str, Sums] = {}
        self.broken = 0
        """How many lines, or pieces of lines, could not be read."""

    def read(self, lines: Iterable[bytes]) -> None:
        groups, group_of, since, until = self.groups, self._group_of, self._since, self._until
        for line in lines:
            try:
                record, is_cut = read_record(line)
                self.broken += is_cut
                if since <= day_of(record) <= until:
                    group = group_of(record)
                    sums = groups.get(group) or Sums()
                    sums.add(record)
                    groups[group] = sums
            except BrokenLineError:
                self.broken += bool(line.strip())

    @property
    def total(self) -> Sums:
        total = Sums()
        for each in self.groups.values():
            total.include(each)
        return total
