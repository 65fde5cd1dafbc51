"""The k of `[k]`: sources are numbered by first appearance, and a source is an address."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

_NONE: Final[Mapping[str, int]] = MappingProxyType({})


class Marker(NamedTuple):
    """One `[n]` of an answer."""

    start: int
    """In characters of the answer's whole text, as it went out."""
    end: int
    n: int
    passages: tuple[int, ...]
    """The model's passage numbers that the marker stands for, in the order they came."""


class Numbering:
    """Gives each address its number."""

    def __init__(self, known: Mapping[str, int] = _NONE, above: int = 0) -> None:
        """`known` addresses keep their numbers; new numbers lie above those, and above `above`."""
        self._numbers = dict(known)
        self._last = max(above, *self._numbers.values(), 0)

    def take_over(self, known: Mapping[str, int]) -> None:
        """Addresses that are numbered already keep their numbers."""
        self._numbers |= known
        self.go_above(max(known.values(), default=0))

    def go_above(self, number: int) -> None:
        """Give the next addresses numbers above `number`."""
        self._last = max(self._last, number)

    @property
    def numbers(self) -> Mapping[str, int]:
        return MappingProxyType(self._numbers)

    def of(self, url: str) -> int:
        """The number of an address; a new one if it has none."""
        number = self._numbers.get(url)
        if number is None:
            self._last += 1
            number = self._numbers[url] = self._last
        return number
