"""Whether a bracket that has a marker's form is one: what stands around it tells."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from proxy.core.text.markers import Bracket

_REACH: Final = 20
"""Models make up numbers that lie not far above those they know."""

_CLOSING: Final = frozenset(".,;:!?…)\"'»”’›*_`%€$£°。，；：！？、）」』")
_INDEXED: Final = frozenset("{^$=")
"""Right after one of these stands an index, or a list in code."""
_WORD: Final = re.compile(r"[\w$]*")
_CODE_AFTER: Final = re.compile(r" ?=|\(|\.[a-z_]")
_KEY: Final = re.compile(r"\s?:\s?[\"']")
"""What stands before a value in JSON, read backwards."""
_COMMAND: Final = re.compile(r"[A-Za-z]{1,20}\\")
"""Of TeX, read backwards."""
_ELEMENT_OF: Final = ("\\in", "∈")
_AFTER_ROW: Final = re.compile(r"\s{0,3},\][\d\s.\-]{1,20},[\d\s.,\-]{1,20}\[")
"""A list of numbers that has stayed, and a comma, read backwards."""
_MEASURE: Final = re.compile(r"[ \u00a0\u202f]\d")
"""A number and a space, before a unit, read backwards."""
_APOSTROPHES: Final = ("'", "’")
_BRAND: Final = re.compile("[a-z][A-Z]")


def stays(bracket: Bracket, before: str, space: str, after: str, *, begins_line: bool) -> bool:
    """Whether the bracket is no marker, whatever its numbers.

    `before` is the text before it, without the last `space`; `after` the two characters after it.
    """
    return (
        (begins_line and _begins_block(bracket, after))
        or _is_value(bracket, before, space, after)
        or (bool(before) and not space and _is_attached(bracket, before, after))
    )


def _begins_block(bracket: Bracket, after: str) -> bool:
    """Whether it is a heading, as in Chinese and Japanese, or a footnote."""
    is_note = bracket.text.lstrip().startswith("^")
    return bracket.kind == "lenticular" or (is_note and after.startswith(":"))


def _is_value(bracket: Bracket, before: str, space: str, after: str) -> bool:
    """Whether it is a list in data, an interval or an argument."""
    backwards = before[::-1]
    return (
        _KEY.match(space + backwards) is not None
        or (bool(space) and before.endswith("="))
        or before.endswith(_ELEMENT_OF)
        or after.startswith("{")
        or (len(bracket.numbers) > 1 and _AFTER_ROW.match(backwards) is not None)
    )


def _is_attached(bracket: Bracket, before: str, after: str) -> bool:
    """Whether what stands right before it makes it a matrix, an argument or an index."""
    backwards = before[::-1]
    if before.endswith("["):
        return len(bracket.numbers) > 1
    if before.endswith("_"):  # which may end what is emphasised
        return len(_word(backwards).strip("_")) <= 1
    is_argument = _COMMAND.match(backwards) is not None
    return is_argument or before[-1] in _INDEXED or _is_index(backwards, after)


def _word(backwards: str) -> str:
    match = _WORD.match(backwards)
    return match[0][::-1] if match else ""


def _is_index(backwards: str, after: str) -> bool:
    """Whether a bracket right after a word is an index into something of that name."""
    word = _word(backwards)
    rest = backwards[len(word) :]
    if not word or not word[0].isascii() or word.isdecimal() or rest.startswith(_APOSTROPHES):
        return False
    if _CODE_AFTER.match(after):
        return True
    if len(word) == 1:
        return word == "$" or (word.islower() and not _MEASURE.match(rest))
    is_member = re.match(r"\.\w", rest) is not None
    is_variable = word[0].islower() and any(c.isdecimal() or c.isupper() for c in word)
    is_name = (is_variable and not _BRAND.match(word)) or "_" in word.strip("_") or "$" in word
    return is_name or is_member


def can_be_taken_out(unknown: Collection[int], before: str, highest: int) -> bool:
    """Whether numbers of no passage are made-up citations, and not something else."""
    if not is_made_up(unknown, highest):
        return False
    return bool(before) and (before[-1].isalnum() or before[-1] in _CLOSING)


def is_made_up(unknown: Collection[int], highest: int) -> bool:
    """Whether a model may have made up each of these numbers, of no passage, as a passage's."""
    return all(1 <= number <= highest + _REACH for number in unknown)
