"""How the tables of words are written: lines of words, in the languages that answers are read in.

English, French, German, Spanish and Italian. All words are folded (see `fold`): without case and
accents.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

T = TypeVar("T")


def word_set(*lines: str) -> frozenset[str]:
    """All words of all lines."""
    return frozenset(word for line in lines for word in line.split())


def by_word(lines: Mapping[T, str]) -> Mapping[str, T]:
    """What each word means, of lines of words that mean the same."""
    return MappingProxyType({word: value for value, line in lines.items() for word in line.split()})
