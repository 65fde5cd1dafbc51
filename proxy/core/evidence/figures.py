"""Figures: the numbers, amounts, dates and times that a text says, in digits or in words."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from proxy.core.evidence.clock import Time, clock_at
from proxy.core.evidence.dates import Date, dates_at
from proxy.core.evidence.measure import CURRENCIES, Measure, measure_after, unit_before
from proxy.core.evidence.numbers import parts, readings, value_of
from proxy.core.evidence.spelled import Spelled, may_be_spelled, spelled_at
from proxy.core.evidence.tokens import Token
from proxy.core.evidence.units import HEDGES, MONTHS, TIMES

_COUNTERS: Final = MappingProxyType({"q": "quarter", "h": "half", "v": None})
"""Letters before a digit that say what it counts: Q3, H1, v2. Others are a name's: B2B, CO2."""
_ABOUT: Final = ("~", "≈")


class Figure(NamedTuple):
    """A figure in every reading. A text holds it that holds one of them."""

    start: int
    end: int
    values: tuple[str, ...] = ()
    unscaled: tuple[str, ...] = ()
    """The values without the word for thousands or millions behind them."""
    shifts: tuple[int, ...] = ()
    unit: str | None = None
    parts: tuple[str, ...] = ()
    """The numbers of a list; all of them are one reading."""
    dates: tuple[Date, ...] = ()
    times: tuple[Time, ...] = ()
    is_sure: bool = True
    """False for what may be no figure at all, such as the "one" of "one of them"."""
    is_rounded: bool = False
    """Whether the text itself says that the value is not exact."""


class Reading(NamedTuple):
    """The figures of a text, and its words that are part of none."""

    figures: tuple[Figure, ...]
    words: frozenset[str]


def read_figures(text: str, tokens: Sequence[Token]) -> Reading:
    """All figures of `text`, of its tokens, in its order."""
    found: list[Figure] = []
    words: set[str] = set()
    begins = 0
    for at, token in enumerate(tokens):
        if at < begins:
            continue
        if token.is_number or token.folded in MONTHS or may_be_spelled(token.folded):
            figures, begins = _figures_at(text, tokens, at)
            if figures:
                found += figures
                continue
        words.add(token.folded)
    return Reading(tuple(found), frozenset(words))


def _figures_at(text: str, tokens: Sequence[Token], at: int) -> tuple[list[Figure], int]:
    """The figures that begin with the token at `at`, and the token after them."""
    if dates := dates_at(text, tokens, at):
        start, end = tokens[at].start, tokens[dates.after - 1].end
        return [Figure(start, end, dates=each) for each in dates.readings], dates.after
    if tokens[at].is_number:
        figure, after = _in_digits(text, tokens, at)
    elif spelled := spelled_at(text, tokens, at):
        figure, after = _in_words(text, tokens, at, spelled)
    else:
        return [], at + 1
    return [figure], after


def _in_digits(text: str, tokens: Sequence[Token], at: int) -> tuple[Figure, int]:
    token = tokens[at]
    clock = clock_at(tokens, at)
    if clock and clock.is_sure:
        end = tokens[clock.after - 1].end
        return Figure(token.start, end, times=(clock.time,)), clock.after
    measure = measure_after(text, tokens, at + 1)
    before, start = unit_before(text, tokens, at)
    found = readings(token.text)
    unit = before if before in CURRENCIES else measure.unit or before or _counter(tokens, at)
    values, unscaled = _scaled(found, measure)
    if not found and "." in token.text:  # a version, an address: nothing but the whole will do
        values = (token.text,)
    figure = Figure(
        start,
        measure.end,
        values,
        unscaled,
        measure.shifts,
        unit,
        parts=() if found or "." in token.text else tuple(_full_years(token.text)),
        times=(clock.time,) if clock else (),
        is_sure=not _is_part_of_name(tokens, at),
        is_rounded=_is_rounded(text, tokens, at, start),
    )
    return figure, measure.after


def _in_words(text: str, tokens: Sequence[Token], at: int, spelled: Spelled) -> tuple[Figure, int]:
    measure = measure_after(text, tokens, spelled.after)
    unit = measure.unit or spelled.unit
    whole, _, fraction = spelled.value.partition(".")
    has_unit = unit in TIMES or bool(measure.shifts)
    values, unscaled = _scaled(((whole, fraction),), measure)
    start = tokens[at].start
    figure = Figure(
        start,
        measure.end,
        values,
        unscaled,
        measure.shifts,
        unit,
        is_sure=spelled.is_sure or (spelled.is_sure_with_unit and has_unit),
        is_rounded=_is_rounded(text, tokens, at, start),
    )
    return figure, measure.after


def _scaled(
    found: Sequence[tuple[str, str]], measure: Measure
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The values with their scale, and, if they have one, those without it."""
    unscaled = tuple([value_of(*each) for each in found])
    if not measure.shifts:
        return unscaled, ()
    values = tuple(value_of(*each, shift) for each in found for shift in measure.shifts)
    if measure.is_letter and measure.unit is None:
        values += unscaled  # "3m" may be metres
    return values, unscaled


def _full_years(text: str) -> list[str]:
    """The numbers of a list, of which the second of "2023/24" is 2024."""
    found = parts(text)
    if len(found) == 2 and len(found[0]) == 4 and len(text) == 7:  # noqa: PLR2004  # 2023/24
        found[1] = found[0][:2] + found[1].rjust(2, "0")
    return found


def _is_rounded(text: str, tokens: Sequence[Token], at: int, start: int) -> bool:
    """Whether "about" or the like stands before: "rund 5", "plus de 5", "~ 5"."""
    if text[max(0, start - 2) : start].rstrip().endswith(_ABOUT):
        return True
    place = at - 1
    if place > 0 and tokens[place].folded in {"de", "di", "a"}:
        place -= 1
    return place >= 0 and tokens[place].folded in HEDGES


def _counter(tokens: Sequence[Token], at: int) -> str | None:
    if not _is_attached(tokens, at) or len(tokens[at].text) > 1:
        return None
    return _COUNTERS.get(tokens[at - 1].folded)


def _is_part_of_name(tokens: Sequence[Token], at: int) -> bool:
    """Whether a single digit stands right behind a letter, as in B2B."""
    if not _is_attached(tokens, at) or len(tokens[at].text) > 1:
        return False
    return tokens[at - 1].folded not in _COUNTERS


def _is_attached(tokens: Sequence[Token], at: int) -> bool:
    return at > 0 and tokens[at - 1].end == tokens[at].start
