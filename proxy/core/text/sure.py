"""Whether a bracket that has a marker's form is one: what stands around it tells."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from proxy.core.text.markers import Bracket

_REACH: Final = 20
"""Models make up numbers that lie not far above those they know."""

_CLOSING: Final = frozenset(".,;:!?…)\"'»”’›*_`%€$£°。，；：！？、）」』")
_INDEXED: Final = frozenset("{_^$=")
"""Right after one of these stands an index, or a list in code."""
_WORD: Final = re.compile(r"[\w$]*")
_CODE_AFTER: Final = re.compile(r" ?=|\(|\.[a-z_]")
_KEY: Final = re.compile(r"\s?:\s?[\"']")
"""What stands before a value in JSON, read backwards."""


def stays(bracket: Bracket, before: str, space: str, after: str, *, begins_line: bool) -> bool:
    """Whether the bracket is no marker, whatever its numbers.

    `before` is the text before it, without the last `space`; `after` the two characters after it.
    """
    if bracket.kind == "lenticular" and begins_line:
        return True  # a heading, in Chinese and Japanese
    if bracket.text.lstrip().startswith("^") and begins_line and after.startswith(":"):
        return True  # a footnote
    backwards = before[::-1]
    if _KEY.match(space + backwards) or (space and before.endswith("=")):
        return True
    if space or not before:
        return False
    if before.endswith("[") and len(bracket.numbers) > 1:
        return True  # a matrix
    return before[-1] in _INDEXED or _is_index(backwards, after)


def _is_index(backwards: str, after: str) -> bool:
    """Whether a bracket right after a word is an index into something of that name."""
    match = _WORD.match(backwards)
    word = match[0][::-1] if match else ""
    if not word or not word[0].isascii() or word.isdecimal():
        return False
    if _CODE_AFTER.match(after):
        return True
    is_member = re.match(r"\.\w", backwards[len(word) :]) is not None
    is_variable = word[0].islower() and any(c.isdecimal() or c.isupper() for c in word)
    return len(word) == 1 or "_" in word or "$" in word or is_variable or is_member


def can_be_taken_out(unknown: Collection[int], before: str, highest: int) -> bool:
    """Whether numbers of no passage are made-up citations, and not something else."""
    if not is_made_up(unknown, highest):
        return False
    return bool(before) and (before[-1].isalnum() or before[-1] in _CLOSING)


def is_made_up(unknown: Collection[int], highest: int) -> bool:
    """Whether a model may have made up each of these numbers, of no passage, as a passage's."""
    return all(1 <= number <= highest + _REACH for number in unknown)
