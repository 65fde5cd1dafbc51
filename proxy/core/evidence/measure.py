"""What stands around a number and belongs to it: a scale ("million"), a unit, "Section"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from proxy.core.evidence.stopwords import STOP_WORDS
from proxy.core.evidence.tokens import Token, between
from proxy.core.evidence.units import (
    LETTERS,
    PERCENT,
    REFERENCE,
    REFERENCES,
    SCALES,
    SIGNS,
    TIMES,
    TWO_WORDS,
    UNITS,
)

_BESIDE: Final = re.compile(r"[\s\-.]{0,3}")
_MORE: Final = re.compile(r"[\s'\u2019]{0,2}")
_BEFORE_SIGN: Final = re.compile(r"\.?\s{0,2}")
_BLANK: Final = re.compile(r"\s{0,2}")
_ABBREVIATED: Final = re.compile(r"[.\s:#]{1,3}")
_POINT: Final = re.compile(r"[.)]\s")
CURRENCIES: Final = frozenset({"EUR", "USD", "GBP", "CHF", "JPY"})
_JOINS: Final = frozenset({"d", "de", "di", "of", "us"})
"""Words that may stand between a number and its unit, as adjectives may: "30 working days"."""
_EACH: Final = frozenset({"per", "pro", "par", "por", "je"})


class Measure(NamedTuple):
    """What follows a number."""

    shifts: tuple[int, ...]
    """By how many digits its point moves, in each reading; () for none."""
    unit: str | None
    after: int
    """The token that comes next."""
    end: int
    """Where it ends in the text."""
    is_letter: bool
    """Whether the scale is a letter, which may be another unit: "3m"."""


def measure_after(text: str, tokens: Sequence[Token], after: int) -> Measure:
    """The scale and the unit behind a number whose last token is the one before `after`."""
    shifts, place, is_letter = _scale(text, tokens, after)
    end = tokens[place - 1].end
    gap = between(text, tokens, place - 1)
    sign = gap.lstrip(". \u00a0\u202f")[:1]
    if sign in SIGNS and _BEFORE_SIGN.fullmatch(gap, 0, gap.index(sign)):
        return Measure(shifts, SIGNS[sign], place, end + gap.index(sign) + 1, is_letter)
    unit, past = _unit(text, tokens, place)
    if unit is not None:
        return Measure(shifts, unit, past, tokens[past - 1].end, is_letter)
    return Measure(shifts, None, place, end, is_letter)


def _scale(text: str, tokens: Sequence[Token], at: int) -> tuple[tuple[int, ...], int, bool]:
    word = tokens[at].folded if at < len(tokens) else ""
    if (word not in SCALES and word not in LETTERS) or not _is_beside(text, tokens, at):
        return (), at, False
    behind = between(text, tokens, at).lstrip()[:1]
    is_attached = tokens[at].start == tokens[at - 1].end
    if word in LETTERS and (is_attached or (behind in SIGNS and behind not in {"", "%"})):
        return LETTERS[word], at + 1, True
    if word not in SCALES:
        return (), at, False
    shifts, after = SCALES[word], at + 1
    if _is_beside(text, tokens, after) and (more := SCALES.get(tokens[after].folded)):
        return tuple(a + b for a in shifts for b in more), after + 1, False
    return shifts, after, False


def _unit(text: str, tokens: Sequence[Token], at: int) -> tuple[str | None, int]:
    """The unit at `at`, perhaps behind an adjective, and the token after it."""
    pair = tuple([each.folded for each in tokens[at : at + 2]])
    is_none = UNITS.keys().isdisjoint(pair) and pair not in TWO_WORDS  # as is nearly every pair
    if is_none or tokens[at].is_number or not _is_beside(text, tokens, at):
        return None, at
    if pair[0] in UNITS:
        return UNITS[pair[0]], at + 1
    if not _MORE.fullmatch(between(text, tokens, at)):
        return None, at
    if pair in TWO_WORDS:
        return PERCENT, at + 2
    unit = UNITS.get(pair[1])
    if pair[0] in _JOINS or (unit in TIMES and pair[0] not in STOP_WORDS and pair[0] not in _EACH):
        return (None, at) if unit is None else (unit, at + 2)
    return None, at


def unit_before(text: str, tokens: Sequence[Token], at: int) -> tuple[str | None, int]:
    """The currency or REFERENCE before the number at `at`, and where the amount begins."""
    start = tokens[at].start
    gap = text[tokens[at - 1].end if at else 0 : start][-3:]
    sign = gap.rstrip()[-1:]
    if sign and sign in "€$£¥":
        return SIGNS[sign], start - len(gap) + gap.rindex(sign)
    if sign and sign in "§#№":
        return REFERENCE, start
    if at:
        word = tokens[at - 1].folded
        if UNITS.get(word) in CURRENCIES and _BLANK.fullmatch(gap):
            return UNITS[word], tokens[at - 1].start
        if word in REFERENCES and _ABBREVIATED.fullmatch(gap):
            return REFERENCE, start
    if _begins_line(text, start) and _POINT.match(text, tokens[at].end):
        return REFERENCE, start
    return None, start


def _begins_line(text: str, at: int) -> bool:
    before = text[max(0, at - 8) : at]
    return not before.rpartition("\n")[2].strip("#>*- \t") and (at <= 8 or "\n" in before)  # noqa: PLR2004


def _is_beside(text: str, tokens: Sequence[Token], at: int) -> bool:
    return 0 < at < len(tokens) and (
        _BESIDE.fullmatch(text, tokens[at - 1].end, tokens[at].start) is not None
    )
