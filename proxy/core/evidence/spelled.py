"""Numbers in words: "three", "twenty-one", "dreimonatig", "the third quarter", "half a year"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from proxy.core.evidence.lexicon import word_set
from proxy.core.evidence.numerals import (
    ARTICLES,
    GERMAN,
    HALVES,
    LOOSE,
    NUMBERS,
    ORDINALS,
    SURE_HALVES,
    UNSURE,
)
from proxy.core.evidence.tokens import Token, between
from proxy.core.evidence.units import ARTICLE, ORDINAL

HALF: Final = "0.5"

_PERIODS: Final = word_set(
    "quarter half semester quartal quartals halbjahr halbjahres trimestre semestre"
)
_COUNTED: Final = _PERIODS | word_set(
    "year month week day jahr monat woche tag annee an mois semaine jour ano mes semana dia anno",
    "mese settimana giorno floor edition phase stage etage auflage stock kapitel chapter century",
    "siecle jahrhundert siglo secolo",
)
"""What an ordinal counts: elsewhere "third" may be no number, as in "third party"."""
_NEVER_SURE: Final = frozenset({"a", "an", "single"})
_OF_HALF: Final = frozenset({"of", "the", "a", "an"})
_GERMAN_UNITS: Final = {
    "monat": "month",
    "jahr": "year",
    "woch": "week",
    "tag": "day",
    "stund": "hour",
}
_GERMAN_ENDINGS: Final = ("ig", "ige", "igen", "iger", "iges", "igem")
_GERMAN_LENGTH: Final = re.compile(rf"([a-z]{{3,20}})({'|'.join(_GERMAN_UNITS)})ig(?:e[nrsm]?)?")
"""A German word for how long something is: dreimonatig, zweiwöchige."""


class Spelled(NamedTuple):
    """A number in words. It is certain, or only beside a unit, or never."""

    value: str
    unit: str | None
    after: int
    """The token that comes next."""
    is_sure: bool
    is_sure_with_unit: bool = False


_FIRST_WORDS: Final = frozenset({*NUMBERS, *UNSURE, *ORDINALS, *HALVES, *LOOSE})


def may_be_spelled(folded: str) -> bool:
    """Whether a number in words may begin with this word."""
    return folded in _FIRST_WORDS or folded.endswith(_GERMAN_ENDINGS)


def spelled_at(text: str, tokens: Sequence[Token], at: int) -> Spelled | None:
    """The number in words that begins with the token at `at`; None if none does."""
    word = tokens[at].folded
    following = tokens[at + 1].folded if at + 1 < len(tokens) else ""
    if following and between(text, tokens, at) == "-" and f"{word}-{following}" in NUMBERS:
        value = NUMBERS[f"{word}-{following}"]
        return Spelled(str(value), None, at + 2, is_sure=True)
    if word in NUMBERS or word in UNSURE:
        return _cardinal(word, at + 1)
    if (length := _GERMAN_LENGTH.fullmatch(word)) and length[1] in GERMAN:
        return Spelled(str(GERMAN[length[1]]), _GERMAN_UNITS[length[2]], at + 1, is_sure=True)
    if word in ORDINALS:
        value = ORDINALS[word]
        counted = _PERIODS if value < 3 else _COUNTED  # noqa: PLR2004  # first and second
        return Spelled(str(value), ORDINAL, at + 1, is_sure=following in counted)
    return _half(tokens, at, following) if word in HALVES else _loose(word, at + 1)


def _cardinal(word: str, after: int) -> Spelled:
    unit = ARTICLE if word in ARTICLES else None
    may_be_sure = word not in _NEVER_SURE
    value = str(NUMBERS.get(word, 1))
    return Spelled(value, unit, after, is_sure=word not in UNSURE, is_sure_with_unit=may_be_sure)


def _half(tokens: Sequence[Token], at: int, following: str) -> Spelled:
    word = tokens[at].folded
    before = tokens[at - 1] if at else None
    is_ordinal = before is not None and (before.folded in ORDINALS or before.is_number)
    is_half = word in SURE_HALVES or (word == "half" and following in _OF_HALF)
    after = at + 2 if following in {"a", "an"} else at + 1  # half a year
    return Spelled(HALF, None, after, is_sure=is_half and not is_ordinal)


def _loose(word: str, after: int) -> Spelled | None:
    value = LOOSE.get(word)
    return None if value is None else Spelled(str(value), None, after, is_sure=False)
