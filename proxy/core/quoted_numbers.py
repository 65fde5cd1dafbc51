"""Bracketed numbers in documents: footnotes and references, which look like our citations.

A model that quotes `[3]` from a document would cite passage 3 with it. So whatever is read as a
citation in an answer (`proxy.core.text.markers`) gets brackets that look alike and cite nothing.
Left as they are: what follows a letter or `]`, as in `a[1]` and `[text][1]`; what stands before
`(`, `[` or `:`, as in `[1](url)` and `[1]: url`; and numbers that no passage has, 0 and those above
999: `[2024]` is a year, `[0, 1]` an interval. Brackets in a row, `[3][2024]`, are left or changed
together.
"""

from __future__ import annotations

import re
from typing import Final

from proxy.core.text.markers import Bracket, read_bracket
from proxy.core.text.window import Window

_HIGHEST: Final = 999
_INERT: Final = str.maketrans("[\uff3b【]\uff3d】", "⟦⟦⟦⟧⟧⟧")
_TEXT: Final = r"[^\[\]【】\uff3b\uff3d]{1,80}"
_SQUARE: Final = re.compile(rf"\[{_TEXT}\](?:\[{_TEXT}\])*")
_FULL_WIDTH: Final = re.compile(rf"\uff3b{_TEXT}\uff3d")
_LENTICULAR: Final = re.compile(r"【[^【】]+】")
"""As gpt-oss models were trained to cite: `【3†source】`, `【10:13†L4】`."""
_BEGINS_WITH_NUMBER: Final = re.compile(r"【\s{0,9}0{0,9}(?!0)\d{1,3}(?!\d)")
_ZEROS: Final = re.compile(r"(?<!\d)0{1,9}(?=[1-9])")
_BEFORE_INDEX: Final = re.compile(r"[A-Za-z_\xaa-\u024f\u0370-\u052f\]]")
"""A letter, or `]`. Letters of scripts without spaces don't count: in them all follows a letter."""
_AFTER_LINK: Final = ("(", "[", ":")


def defuse_numbers(text: str) -> str:
    """`text` with lookalike brackets around each number that could be taken for a citation."""
    if "[" in text:
        text = _SQUARE.sub(_square, text)
    if "\uff3b" in text:
        text = _FULL_WIDTH.sub(_full_width, text)
    if "【" in text:
        text = _LENTICULAR.sub(_lenticular, text)
    return text


def _square(match: re.Match[str]) -> str:
    before = match.string[match.start() - 1 : match.start()]
    after = match.string[match.end() : match.end() + 1]
    if _BEFORE_INDEX.match(before) or after in _AFTER_LINK:
        return match[0]
    row = [_read(f"[{inner}]") for inner in match[0][1:-1].split("][")]
    does_cite = all(row) and any(each and _is_of_passages(each) for each in row)
    return match[0].translate(_INERT) if does_cite else match[0]


def _full_width(match: re.Match[str]) -> str:
    bracket = _read(match[0])
    return match[0].translate(_INERT) if bracket and _is_of_passages(bracket) else match[0]


def _lenticular(match: re.Match[str]) -> str:
    """Nothing of Markdown's has such brackets: a number and whatever comes after it is ours."""
    bracket = _read(match[0])
    does_cite = _is_of_passages(bracket) if bracket else _BEGINS_WITH_NUMBER.match(match[0])
    return match[0].translate(_INERT) if does_cite else match[0]


def _read(brackets: str) -> Bracket | None:
    """What an answer would cite with it; leading zeros, which a model may drop, aside."""
    bracket = read_bracket(Window(_ZEROS.sub("", brackets), final=True), 0)
    return bracket if isinstance(bracket, Bracket) else None


def _is_of_passages(bracket: Bracket) -> bool:
    return all(0 < number <= _HIGHEST for number in bracket.numbers)
