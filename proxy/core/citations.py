"""Citations: the `[n]` markers of an answer, turned into OpenAI's `url_citation` annotations.

A marker counts only if passage n was shown to the model. Offsets are in characters of the whole
text, as OpenAI's schema wants them: 0 <= start_index < end_index <= len(text).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from proxy.core.passages import Passage

_CODE: Final = re.compile(
    r"^ {0,3}(?P<fence>`{3,}|~{3,}).*?(?:^ {0,3}(?P=fence)|\Z)"  # a fenced block, closed or not
    r"|(?<!`)(?P<ticks>`+)(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`)",  # inline code
    re.MULTILINE | re.DOTALL,
)
_MARKER: Final = re.compile(
    r"\[(?P<list>\d{1,4}(?:\s*,\s*\d{1,4})*)\]"
    r"|【(?P<single>\d{1,4})[^】]{0,40}】"  # as gpt-oss models were trained to cite
)
_NUMBER: Final = re.compile(r"\d+")


def annotate(text: str, passages: Mapping[int, Passage]) -> list[dict[str, Any]]:
    """The annotations of `text`, in its order; none for a marker of a passage nobody was shown."""
    code = [match.span() for match in _CODE.finditer(text)] if "[" in text or "【" in text else []
    return [
        _annotation(passages[n], start, end)
        for n, start, end in _markers(text)
        if n in passages and not any(left <= start < right for left, right in code)
    ]


def _markers(text: str) -> Iterator[tuple[int, int, int]]:
    """Passage number, start and end of each marker; each number of `[1, 2]` is one of its own."""
    for match in _MARKER.finditer(text):
        numbers = list(_NUMBER.finditer(text, *match.span(match.lastgroup or 0)))
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
