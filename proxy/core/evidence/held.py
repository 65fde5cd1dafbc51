"""Which figures of a sentence its passages do not hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from functools import cached_property
from typing import Final

from proxy.core.evidence.clock import Time
from proxy.core.evidence.dates import Date
from proxy.core.evidence.figures import Figure, read_figures
from proxy.core.evidence.spelled import HALF
from proxy.core.evidence.tokens import Token, tokenize
from proxy.core.evidence.units import (
    MINUTES_OF,
    MONTHS,
    MONTHS_OF,
    PERCENT,
    REFERENCE,
    SCALES,
    TIMES,
    UNITS,
)

_MARKERS: Final = re.compile(r"\[\d{1,4}(?:\s?[,;]\s?\d{1,4}){0,50}\]|【[^】]{0,60}】")
_ANY: Final = frozenset({None, REFERENCE})
_DATE: Final = "date"
_LONGEST_COUNTED: Final = 12
"""A value with more digits than this is compared, but neither converted nor rounded."""
_MOST_ROUNDED: Final = 1_000
_DIGITS_KEPT: Final = (1, 2, 3, 4)


class Held:
    """The figures that texts hold, such as a passage and its title."""

    def __init__(self, *texts: str) -> None:
        self._units: dict[str, set[str | None]] = {}
        self._dates: set[Date] = set()
        self._times: set[Time] = set()
        self._stray: set[str | None] = set()
        self._scales: set[int] = set()
        self._months: set[int] = set()
        for text in texts:
            self.add(text, tokenize(text))

    def add(self, text: str, tokens: Sequence[Token]) -> None:
        """Take in what stands in `text`, of its tokens. To be done before anything is asked."""
        figures, words = read_figures(text, tokens)
        for figure in figures:
            self._add(figure)
        self._stray.update(UNITS[each] for each in words.intersection(UNITS))
        self._scales.update(shift for each in words.intersection(SCALES) for shift in SCALES[each])
        self._months.update(MONTHS[each] for each in words.intersection(MONTHS))

    def _add(self, figure: Figure) -> None:
        for date in figure.dates:
            self._add_date(date)
        for value in figure.values:
            self._add_value(value, figure.unit)
        for part in figure.parts:
            self._add_value(part, None)
        for hour, minute in figure.times:
            self._times |= {(hour, minute)}
            self._add_value(str(hour), "hour")
            self._add_value(str(minute), "minute")

    def _add_value(self, value: str, unit: str | None) -> None:
        self._units.setdefault(value, set()).add(unit)
        if value == HALF and unit is None:
            self._add_value("50", PERCENT)

    def _add_date(self, date: Date) -> None:
        self._dates |= {date, date._replace(year=None), date._replace(day=None)}
        if date.year is not None:
            self._add_value(str(date.year), _DATE)
        if date.day is not None:
            self._add_value(str(date.day), _DATE)

    def holds(self, figure: Figure) -> bool:
        """Whether the passage holds `figure` in one of its readings."""
        return (
            any(self._has(value, figure.unit) for value in figure.values)
            or any(self._has_date(date) for date in figure.dates)
            or not self._times.isdisjoint(figure.times)
            or (bool(figure.parts) and all(self._has(part, None) for part in figure.parts))
            or self._has_in_thousands(figure)
            or self._has_rounded(figure)
        )

    def _has(self, value: str, unit: str | None) -> bool:
        units = self._units.get(value)
        if units and (unit in _ANY or None in units or unit in units):
            return True
        if units and unit == "year" and _DATE in units:
            return True  # "the year 2024" of "1 March 2024"
        if value == "1" and unit in self._stray & TIMES:
            return True  # "a month" of "each month"
        if value == HALF and unit is None and self._has("50", PERCENT):
            return True
        return any(length in self._lengths for length in _lengths(value, unit))

    def _has_date(self, date: Date) -> bool:
        if date in self._dates:
            return True
        if date.year is None or not self._has(str(date.year), None):
            return False
        if date.day is None:
            return date.month in self._months
        # The year stands elsewhere: "In 2024 … from 1 March on".
        return date._replace(year=None) in self._yearless

    @cached_property
    def _lengths(self) -> set[tuple[str, Fraction]]:
        return {
            length
            for value, units in self._units.items()
            for unit in units
            for length in _lengths(value, unit)
        }

    @cached_property
    def _yearless(self) -> set[Date]:
        dated = {each._replace(year=None) for each in self._dates if each.year is not None}
        return {each for each in self._dates if each.year is None and each not in dated}

    def _has_in_thousands(self, figure: Figure) -> bool:
        """Whether the scale stands apart from the number, as in the head of a table."""
        return not self._scales.isdisjoint(figure.shifts) and any(
            self._has(value, figure.unit) for value in figure.unscaled
        )

    def _has_rounded(self, figure: Figure) -> bool:
        if not figure.is_rounded and not figure.shifts:
            return False
        near, wide = self._rounded
        known = near | wide if figure.is_rounded else near
        return not known.isdisjoint(figure.values)

    @cached_property
    def _rounded(self) -> tuple[set[str], set[str]]:
        """The values rounded to fewer digits: to the nearest, and up or down."""
        near: set[str] = set()
        wide: set[str] = set()
        values = [each for each in self._units if _is_countable(each)]
        for value in values[:_MOST_ROUNDED]:
            number = Decimal(value)
            near.update(_rounded(number, ROUND_HALF_UP))
            wide.update(_rounded(number, ROUND_DOWN), _rounded(number, ROUND_CEILING))
        return near, wide


def _is_countable(value: str) -> bool:
    """Whether it is one number, no version, and not too long to be counted with."""
    return len(value) <= _LONGEST_COUNTED and value.replace(".", "", 1).isdecimal()


def _rounded(number: Decimal, how: str) -> Iterator[str]:
    for digits in _DIGITS_KEPT:
        rounded = f"{Context(prec=digits, rounding=how).plus(number):f}"
        yield rounded.rstrip("0").rstrip(".") if "." in rounded else rounded


def _lengths(value: str, unit: str | None) -> Iterator[tuple[str, Fraction]]:
    """How long a time is, so that 12 months are a year, and 14 days are two weeks."""
    if unit is None or not _is_countable(value):
        return
    if unit in MONTHS_OF:
        yield "months", Fraction(value) * MONTHS_OF[unit]
    elif unit in MINUTES_OF:
        yield "minutes", Fraction(value) * MINUTES_OF[unit]


def figures_of(sentence: str, tokens: Sequence[Token]) -> list[tuple[str, Figure]]:
    """The figures of a cited sentence, of its tokens, each as it stands there."""
    figures = (each for each in read_figures(sentence, tokens).figures if each.is_sure)
    return [(sentence[each.start : each.end], each) for each in figures]


def missing_from(
    figures: Iterable[tuple[str, Figure]], passages: Sequence[Held]
) -> tuple[str, ...]:
    """Those that none of the passages holds, each once."""
    return tuple(
        dict.fromkeys(
            text for text, figure in figures if not any(each.holds(figure) for each in passages)
        )
    )


def missing_figures(sentence: str, passages: Sequence[str]) -> tuple[str, ...]:
    """The numbers, amounts and dates of `sentence` that none of `passages` holds, as they stand.

    Markers are no figures.
    """
    plain = _MARKERS.sub(lambda match: " " * len(match[0]), sentence)
    return missing_from(figures_of(plain, tokenize(plain)), [Held(each) for each in passages])
