"""Tokens: the words and numbers of a text, each with its place."""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

SPACES_IN_NUMBERS: Final = " \u00a0\u2009\u202f"
"""A space, one that does not break, and thin ones: French and Swiss writers group digits so."""

_WITHOUT_SPACES: Final = "\u3040-\u9fff\uac00-\ud7af"
"""The signs of Chinese, Japanese and Korean, each a token of its own."""

_TOKEN: Final = re.compile(
    rf"\d{{1,3}}(?:[{SPACES_IN_NUMBERS}]\d{{3}})+(?:[.,]\d+)?(?!\d)"
    r"|\d+(?:[.,:/'\u2019]\d+)*"
    r"|[¼½¾]"
    rf"|[{_WITHOUT_SPACES}]"
    rf"|[^\W\d_{_WITHOUT_SPACES}]{{1,60}}"
)


class Token(NamedTuple):
    """A word or a number. `folded` has neither case nor accents; a number's is its text."""

    text: str
    folded: str
    start: int
    end: int
    is_number: bool


def tokenize(text: str, start: int = 0, end: int = sys.maxsize) -> list[Token]:
    """The tokens between two places of `text`, in its order.

    A sign between two of them belongs to neither.
    """
    matches = list(_TOKEN.finditer(text, start, end))
    texts = [each[0] for each in matches]
    # All are folded at once: to fold costs little, but to begin does. No fold makes a line break.
    folded = fold("\n".join(texts)).split("\n")
    return [
        _token((word, as_word, *match.span(), False))
        if word[0].isalpha()
        else _token((word, word, *match.span(), True))
        for word, as_word, match in zip(texts, folded, matches, strict=False)
    ]


_token = functools.partial(tuple.__new__, Token)
"""Makes a token of its fields, in half the time."""


def fold(text: str) -> str:
    """`text` without its case and accents. "ß" is "ss", a ligature is its letters."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text).casefold()
    for sign in filter(unicodedata.combining, set(apart)):
        apart = apart.replace(sign, "")
    return apart


def between(text: str, tokens: Sequence[Token], at: int) -> str:
    """What stands between the token at `at` and the next; the rest of the text after the last."""
    if at + 1 < len(tokens):
        return text[tokens[at].end : tokens[at + 1].start]
    return text[tokens[at].end : tokens[at].end + 10]
