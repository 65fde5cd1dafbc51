"""What the markers of an answer are cited for: the sentence around or before each."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from proxy.core.evidence.sentences import Span, sentences_of_line
from proxy.tasks import Steps

_MARKERS: Final = re.compile(r"\[\d{1,4}(?:\s?[,;]\s?\d{1,4}){0,50}\](?![(:])|【[^】]{0,60}】")
_GAP: Final = re.compile(r"[\s,;.:]*")
_LINE_MARKUP: Final = re.compile(
    r"\s{0,40}(?:>\s{0,3}){0,8}(?:#{1,6}\s|[-*+•\u2013·▪]\s(?:\[[ xX]\]\s)?|\d{1,3}[.)]\s)?"
)
_LINK: Final = re.compile(r"!?\[([^\[\]]{0,300})\](?:\([^()\s]{0,2000}\))")
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_SIGNS: Final = re.compile(r"[*`|]+|~~|\b_+|_+\b")
_SPACES: Final = re.compile(r"\s+")
_LOOSE: Final = re.compile(r"\s([.,;:!?…](?=\W|$)|[。、！？])")
_WORD: Final = re.compile(r"[^\W_]{2,}")
_FEWEST_WORDS: Final = 3
"""What stands between two markers is no claim of its own if it has fewer words than this."""
_REACH: Final = 1_000
"""A sentence that stands further from a marker than this, in characters, is not read for it."""
_MOST_OTHERS: Final = 2_000
"""So many markers that nobody asks for are taken out of the sentences."""
_AT_ONCE: Final = 2_000
"""So many characters are read without a pause."""


def read_answer(text: str, marks: Sequence[Span]) -> Steps[Answer]:
    """What surrounds the places of markers, which are in their order.

    `[1]`, `[1, 2]` and `【1】` are other markers, for which nothing is asked.
    """
    parts = _surroundings(text, marks)
    others = (each.span() for part in parts for each in _MARKERS.finditer(text, *part))
    markers = sorted({*marks, *islice(others, _MOST_OTHERS)})
    blank = _blanked(text, markers)
    spans: list[Span] = []
    paused_at = 0
    for start, end in _sentences(text, blank, parts):
        if end - paused_at > _AT_ONCE:
            paused_at = end
            yield
        if start < end:
            spans.append((start, end))
    return Answer(text, blank, spans, _groups(text, markers))


class Answer:
    """An answer's text, split into sentences once for all its markers."""

    def __init__(self, text: str, blank: str, spans: list[Span], groups: list[Span]) -> None:
        """`blank` has spaces where markers stand, and `groups` are those beside each other."""
        self._text = text
        self._blank = blank
        self._spans = spans
        self._starts = [start for start, _ in spans]
        self._groups = groups

    def sentence_at(self, start: int) -> Span | None:
        """Where the sentence is that a marker at `start` is cited for; None in an empty answer.

        It is the one that the marker stands in, or behind; at the very beginning, the one after.
        """
        if not self._spans:
            return None
        number = bisect_left(self._starts, start) - 1
        begins_line = number < 0 or self._text.rfind("\n", self._spans[number][1], start) >= 0
        if begins_line and self._follows_on_line(number + 1, start):
            number += 1
        return self._spans[max(number, 0)]

    def _follows_on_line(self, number: int, start: int) -> bool:
        """Whether the line that a marker begins has a sentence behind it."""
        return number < len(self._spans) and (
            self._text.find("\n", start, self._starts[number]) < 0
        )

    def part_at(self, start: int) -> Span | None:
        """Where the part of the sentence is that a marker at `start` bears on.

        In "Rent is 500 € [1] and the deposit 900 € [2]." it is what stands before each. A part
        of few words is the whole sentence.
        """
        sentence = self.sentence_at(start)
        if sentence is None:
            return None
        first, end = sentence
        number = bisect_right(self._groups, (start, len(self._text))) - 1
        if number < 0 or not first <= start < end:
            return sentence
        begin = first
        if number > 0 and self._groups[number - 1][1] > first:
            begin = self._groups[number - 1][1]
        is_last = number + 1 >= len(self._groups) or self._groups[number + 1][0] >= end
        stop = end if is_last else self._groups[number][0]
        words = _WORD.findall(self._blank, begin, stop)
        return (begin, stop) if len(words) >= _FEWEST_WORDS else sentence

    def plain(self, span: Span) -> str:
        """What stands there without markers and Markdown."""
        return plain(self._blank[slice(*span)])


def _surroundings(text: str, marks: Iterable[Span]) -> list[Span]:
    """What of the text is read: what stands before each marker, and the rest of its line."""
    found: list[Span] = []
    for start, end in marks:
        line_end = text.find("\n", end, end + _REACH)
        stop = min(end + _REACH, len(text)) if line_end < 0 else line_end
        begin = max(0, start - _REACH)
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], stop))
        else:
            found.append((begin, stop))
    return found


def _sentences(text: str, blank: str, parts: Iterable[Span]) -> Iterator[Span]:
    """Where the sentences of these parts are, and an empty one for each line."""
    for begin, end in parts:
        place = begin
        for line in text[begin:end].splitlines(keepends=True):
            yield place, place
            yield from sentences_of_line(blank, place, place + len(line))
            place += len(line)


def _blanked(text: str, markers: Iterable[Span]) -> str:
    """`text` with spaces where markers stand, so that all places stay."""
    pieces: list[str] = []
    place = 0
    for start, end in markers:
        pieces += [text[place:start], " " * (end - max(start, place))]
        place = max(place, end)
    return "".join([*pieces, text[place:]])


def _groups(text: str, markers: Iterable[Span]) -> list[Span]:
    """Where markers stand, those beside each other as one."""
    found: list[Span] = []
    for start, end in markers:
        if found and _GAP.fullmatch(text, min(found[-1][1], start), start):
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def plain(sentence: str) -> str:
    """`sentence` without its markers and its Markdown."""
    text = _MARKERS.sub(" ", sentence)
    text = text[_match_end(text) :]
    for pattern, by in ((_LINK, r"\1"), (_TAG, " "), (_SIGNS, " "), (_SPACES, " ")):
        text = pattern.sub(by, text)
    return _LOOSE.sub(r"\1", text).strip().lstrip(",;: ")


def _match_end(text: str) -> int:
    match = _LINE_MARKUP.match(text)
    return match.end() if match else 0
