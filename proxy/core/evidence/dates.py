"""Dates: 2024-03-01, 01.03.2024, 01/03/2024, 1 March 2024, March 1, 2024, March 2024."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from proxy.core.evidence.tokens import Token, between
from proxy.core.evidence.units import MONTHS

_PARTS: Final = re.compile(r"[./]")
_LAST_DAY: Final = 31
_LAST_MONTH: Final = 12
_YEARS: Final = range(1_000, 3_000)
_YEAR_DIGITS: Final = 4
_SHORT_YEAR_DIGITS: Final = 2
_CENTURY_BREAK: Final = 50
"""'49 is 2049, '50 is 1950."""
_BESIDE: Final = re.compile(r"[\s.,ºª°]{0,4}")
_TO: Final = re.compile(r"[\s.]{0,3}[-\u2013\u2014/][\s]{0,2}")
_DASH: Final = "-"
_SUFFIXES: Final = frozenset({"st", "nd", "rd", "th", "er", "re", "e", "o", "a"})
_OF: Final = frozenset({"of", "de", "di", "del", "d"})
_TO_WORDS: Final = frozenset(
    {"to", "and", "until", "till", "bis", "und", "au", "et", "al", "a", "y", "e", "zum", "through"}
)
_OTHER_WORDS: Final = frozenset({"may", "march", "ago", "set", "gen", "mag", "mar", "out", "dec"})
"""Months that are other words in small letters, in some language: "section 3 may apply"."""


class Date(NamedTuple):
    """A date of which the year or the day may not be said."""

    year: int | None
    month: int
    day: int | None


class DatesAt(NamedTuple):
    """What stands between two tokens: a date in every reading, or the two ends of a span."""

    readings: tuple[tuple[Date, ...], ...]
    """One for each date that is said, with all that it may mean."""
    after: int
    """The token that comes next."""


def dates_at(text: str, tokens: Sequence[Token], at: int) -> DatesAt | None:
    """The dates that begin with the token at `at`; None if none do."""
    token = tokens[at]
    if token.is_number:
        return _numeric(text, tokens, at) or _day_first(text, tokens, at)
    if is_month(text, tokens, at):
        return _month_first(text, tokens, at)
    return None


def is_month(text: str, tokens: Sequence[Token], at: int) -> bool:
    """Whether a word is the name of a month here, and not another word."""
    token = tokens[at]
    if token.folded not in MONTHS:
        return False
    if token.folded not in _OTHER_WORDS or token.text[0].isupper():
        return True
    return between(text, tokens, at)[:1] == "." or _year(text, tokens, at + 1)[0] is not None


def _numeric(text: str, tokens: Sequence[Token], at: int) -> DatesAt | None:
    parts, after = _PARTS.split(tokens[at].text), at + 1
    sign = "." if "." in tokens[at].text else "/"
    if len(parts) == 1:
        last = at
        while len(parts) < 3 and last + 1 < len(tokens) and between(text, tokens, last) == _DASH:  # noqa: PLR2004  # year, month, day
            last += 1
            parts.append(tokens[last].text)
        if last == at:
            return None
        sign, after = _DASH, last + 1
    found = tuple(dict.fromkeys(_readings(parts, sign)))
    return DatesAt((found,), after) if found else None


def _readings(parts: Sequence[str], sign: str) -> Iterator[Date]:
    if not all(each.isdecimal() and len(each) <= _YEAR_DIGITS for each in parts):
        return
    if len(parts) == 2 and sign == "/":  # noqa: PLR2004  # 03/2024
        month, year = map(int, parts)
        if len(parts[1]) == _YEAR_DIGITS and 1 <= month <= _LAST_MONTH and year in _YEARS:
            yield Date(year, month, None)
    if len(parts) != 3:  # noqa: PLR2004  # year, month, day
        return
    first, second, third = map(int, parts)
    if len(parts[0]) == _YEAR_DIGITS:
        yield from _valid(first, second, third)
    elif len(parts[2]) in {_SHORT_YEAR_DIGITS, _YEAR_DIGITS}:
        if len(parts[2]) == _SHORT_YEAR_DIGITS:
            third += 2_000 if third < _CENTURY_BREAK else 1_900
        yield from _valid(third, second, first)
        if sign != ".":
            yield from _valid(third, first, second)


def _valid(year: int, month: int, day: int) -> Iterator[Date]:
    if year in _YEARS and 1 <= month <= _LAST_MONTH and 1 <= day <= _LAST_DAY:
        yield Date(year, month, day)


def _day_first(text: str, tokens: Sequence[Token], at: int) -> DatesAt | None:
    days, after = _days(text, tokens, at)
    if not days:
        return None
    if _is_beside(text, tokens, after) and tokens[after].folded in _OF:
        after += 1
    if not _is_beside(text, tokens, after) or not is_month(text, tokens, after):
        return None
    month = MONTHS[tokens[after].folded]
    year, after = _year(text, tokens, after + 1)
    return DatesAt(tuple((Date(year, month, day),) for day in days), after)


def _month_first(text: str, tokens: Sequence[Token], at: int) -> DatesAt | None:
    month = MONTHS[tokens[at].folded]
    year, after = _year(text, tokens, at + 1)
    if year is not None:
        return DatesAt(((Date(year, month, None),),), after)
    if not _is_beside(text, tokens, at + 1):
        return None
    days, after = _days(text, tokens, at + 1)
    if not days:
        return None
    year, after = _year(text, tokens, after)
    return DatesAt(tuple((Date(year, month, day),) for day in days), after)


def _days(text: str, tokens: Sequence[Token], at: int) -> tuple[list[int], int]:
    """A day of a month, or the first and the last of several, and the token after them."""
    day, after = _day(text, tokens, at)
    if day is None:
        return [], at
    last = None
    if after < len(tokens) and _TO.fullmatch(between(text, tokens, after - 1)):
        last, end = _day(text, tokens, after)
    elif _is_beside(text, tokens, after) and tokens[after].folded in _TO_WORDS:
        last, end = _day(text, tokens, after + 1)
    return ([day], after) if last is None else ([day, last], end)


def _day(text: str, tokens: Sequence[Token], at: int) -> tuple[int | None, int]:
    if at >= len(tokens) or not tokens[at].is_number:
        return None, at
    digits = tokens[at].text
    if not digits.isdecimal() or len(digits) > 2 or not 1 <= int(digits) <= _LAST_DAY:  # noqa: PLR2004  # 1 to 31
        return None, at
    after = at + 1
    if after < len(tokens) and tokens[after].folded in _SUFFIXES and not between(text, tokens, at):
        after += 1
    return int(digits), after


def _year(text: str, tokens: Sequence[Token], at: int) -> tuple[int | None, int]:
    """The year at `at`, perhaps after "of", and the token after it; else None and `at`."""
    place = at
    if _is_beside(text, tokens, place) and tokens[place].folded in _OF:
        place += 1
    if _is_beside(text, tokens, place):
        digits = tokens[place].text
        if len(digits) == _YEAR_DIGITS and digits.isdecimal() and int(digits) in _YEARS:
            return int(digits), place + 1
    return None, at


def _is_beside(text: str, tokens: Sequence[Token], at: int) -> bool:
    """Whether there is a token at `at`, and nothing of weight between it and the one before."""
    return 0 < at < len(tokens) and _BESIDE.fullmatch(between(text, tokens, at - 1)) is not None
