"""Whether an answer is JSON: then its brackets are no citations.

An answer that begins with a bracket may be an array, or prose that begins with a link or a citation
(`[2] is so.`). What follows the brackets it begins with tells.
"""

from __future__ import annotations

import re
from typing import Final

from proxy.core.text.window import Wait, Window

LONGEST: Final = 80
"""Brackets and numbers of so many characters are data, whatever follows."""

_SPACE: Final = re.compile(r"\s*")
_NUMBERS: Final = re.compile(r"[\[\]\d\s,;.+\-]*")
_VALUES: Final = frozenset('{"')
"""What an array may hold, and a citation not."""


def begins_like_data(window: Window) -> bool | Wait:
    """How a text begins that has no white space at its begin."""
    text = window.text
    if text[0] != "[":
        return text[0] == "{"
    end = window.end(0, LONGEST)
    place = _end(_SPACE, text, 1, end)
    if text[place : place + 1] in _VALUES:
        return True
    place = _end(_NUMBERS, text, 0, end)
    if place < end:
        return text[place] in _VALUES
    if window.may_grow(0, LONGEST):
        return Wait("", LONGEST)
    return place == LONGEST or text[:end].rstrip().endswith(("]", ",", "["))


def _end(pattern: re.Pattern[str], text: str, start: int, end: int) -> int:
    match = pattern.match(text, start, end)
    return match.end() if match else start
