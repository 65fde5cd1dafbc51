"""Citations: the `[n]` markers of an answer, turned into OpenAI's `url_citation` annotations.

A marker counts only if passage n was shown to the model. Offsets are in characters of the whole
text, as OpenAI's schema wants them: 0 <= start_index < end_index <= len(text).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from proxy.core.passages import Passage

_MARKER: Final = re.compile(
    r"\[(?P<list>\d{1,4}(?:\s*,\s*\d{1,4})*)\]"
    r"|【(?P<single>\d{1,4})[^】]{0,40}】"  # as gpt-oss models were trained to cite
)
_CODE_OR_MARKER: Final = re.compile(
    # A fenced block, closed or not; in lists and quotations, too.
    r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})"
    r".*?(?:^[ \t>]*(?P=fence)[`~]*[ \t]*$|\Z)"
    # Inline code, of a length that keeps the search for its end short.
    r"|(?<!`)(?P<ticks>`+)(?!`)[^\n]{0,500}?(?<!`)(?P=ticks)(?!`)"
    rf"|{_MARKER.pattern}",
    re.MULTILINE | re.DOTALL,
)
_MARKERS: Final = ("list", "single")
_NUMBER: Final = re.compile(r"\d+")


def annotate(text: str, passages: Mapping[int, Passage]) -> list[dict[str, Any]]:
    """The annotations of `text`, in its order; none for a marker of a passage nobody was shown."""
    if not passages:
        return []
    markers = _markers(text)
    return [_annotation(passages[n], start, end) for n, start, end in markers if n in passages]


def _markers(text: str) -> Iterator[tuple[int, int, int]]:
    """Passage number, start and end of each marker; each number of `[1, 2]` is one of its own.

    Code is matched so that it is passed over: what is in brackets there cites nothing.
    """
    has_code = "`" in text or "~~~" in text
    for match in (_CODE_OR_MARKER if has_code else _MARKER).finditer(text):
        if match.lastgroup not in _MARKERS:
            continue
        numbers = list(_NUMBER.finditer(text, *match.span(match.lastgroup)))
        if len(numbers) == 1:
            yield int(numbers[0][0]), match.start(), match.end()
        else:
            yield from ((int(number[0]), *number.span()) for number in numbers)


def _annotation(passage: Passage, start: int, end: int) -> dict[str, Any]:
    citation = {
        "url": passage.result.url,
        "title": passage.result.name,
        "start_index": start,
        "end_index": end,
    }
    return {"type": "url_citation", "url_citation": citation}
