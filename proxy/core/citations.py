"""Citations: the `[n]` markers of an answer, turned into OpenAI's `url_citation` annotations.

A marker counts only if passage n was shown to the model. Offsets are in characters of the whole
text, as OpenAI's schema wants them: 0 <= start_index < end_index <= len(text).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Final

from proxy.core.passages import Passage
from proxy.core.wire import Annotation, UrlCitation

MAX_ANNOTATIONS: Final = 1_000
"""The most annotations of one answer."""

_MARKER_PATTERN: Final = (
    r"\[(?P<list>\d{1,4}(?:\s*,\s*\d{1,4})*)\]"
    r"|【(?P<single>\d{1,4})[^】]{0,40}】"  # as gpt-oss models were trained to cite
)
_MARKER: Final = re.compile(_MARKER_PATTERN)
_CODE_OR_MARKER: Final = re.compile(
    # The begin of a fenced block; in lists and quotations, too.
    r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})"
    rf"|(?P<ticks>`+)|{_MARKER_PATTERN}",
    re.MULTILINE,
)
_FENCE_END: Final = re.compile(r"^[ \t>]*(?P<fence>[`~]{3,})[ \t]*$", re.MULTILINE)
_TICKS_OR_LINE_END: Final = re.compile(r"`+|\n")
_LONGEST_INLINE: Final = 500
"""Inline code is no longer than this, in characters: a stray backtick opens none."""
_MARKERS: Final = ("list", "single")
_NUMBER: Final = re.compile(r"\d+")


def annotate(
    text: str, passages: Mapping[int, Passage], *, most: int = MAX_ANNOTATIONS
) -> list[Annotation]:
    """The annotations of `text`, in its order; none for a marker of a passage nobody was shown.

    If there are more than `most`, they are the first.
    """
    if not passages:
        return []
    shown = (marker for marker in _markers(text) if marker[0] in passages)
    first = itertools.islice(shown, most)
    return [_annotation(passages[n], start, end) for n, start, end in first]


def _markers(text: str) -> Iterator[tuple[int, int, int]]:
    """Passage number, start and end of each marker; each number of `[1, 2]` is one of its own."""
    has_code = "`" in text or "~~~" in text
    for match in _outside_code(text) if has_code else _MARKER.finditer(text):
        numbers = list(_NUMBER.finditer(text, *match.span(match.lastgroup or 0)))
        if len(numbers) == 1:
            yield int(numbers[0][0]), match.start(), match.end()
        else:
            yield from ((int(number[0]), *number.span()) for number in numbers)


def _outside_code(text: str) -> Iterator[re.Match[str]]:
    """The markers of a text with code, which is passed over: brackets there cite nothing."""
    inline_ends = _inline_ends(text)
    place = 0
    while match := _CODE_OR_MARKER.search(text, place):
        place = match.end()
        if match.lastgroup in _MARKERS:
            yield match
        elif match.lastgroup == "fence":
            place = _fence_end(text, match["fence"], place)
        else:
            place = inline_ends.get(match.start(), place)


def _fence_end(text: str, fence: str, place: int) -> int:
    """Where a fenced block ends: a block that is not closed goes on to the end of the text."""
    for line in _FENCE_END.finditer(text, place):
        if line["fence"].startswith(fence):
            return line.end()
    return len(text)


def _inline_ends(text: str) -> dict[int, int]:
    """Where inline code ends, by where it begins: it lies between equal runs of ticks in a line."""
    ends: dict[int, int] = {}
    opened: dict[int, re.Match[str]] = {}
    """In this line, the last run of each length."""
    for run in _TICKS_OR_LINE_END.finditer(text):
        if run[0] == "\n":
            opened = {}
            continue
        length = len(run[0])
        before = opened.get(length)
        if before and run.start() - before.end() <= _LONGEST_INLINE:
            ends[before.start()] = run.end()
        opened[length] = run
    return ends


def _annotation(passage: Passage, start: int, end: int) -> Annotation:
    citation: UrlCitation = {
        "url": passage.result.url,
        "title": passage.result.name,
        "start_index": start,
        "end_index": end,
    }
    return {"type": "url_citation", "url_citation": citation}
