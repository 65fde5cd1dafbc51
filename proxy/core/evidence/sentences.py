"""Where the sentences of a text begin and end.

A sentence ends at `.!?…。！？` before white space, and with its line; an item of a list and the row
of a table are sentences. A point that abbreviates, or makes an ordinal of a number, ends none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from proxy.core.evidence.lexicon import word_set
from proxy.core.evidence.tokens import fold
from proxy.core.evidence.units import MONTHS

LONGEST: Final = 600
"""No sentence is longer than this, in characters: what goes on is cut between words."""

Span = tuple[int, int]

_CLOSERS: Final = "\"'\u201d\u2019»)\\]*_"
_END: Final = re.compile(rf"[.!?…](?=[{_CLOSERS}]{{0,4}}(?:\s|$))|[。！？]")
_AFTER_END: Final = re.compile(r"[\"'\u201d\u2019»)\]*_」』）]{0,4}")
_NEXT: Final = re.compile(r"[\s\"'“„«(\[*_]{0,40}(\w+)")
_ROW: Final = re.compile(r"[ \t]{0,40}\|")
_OWN_LINE: Final = re.compile(
    r"[ \t>]{0,40}(?:[-*+•\u2013·▪]\s|\d{1,3}[.)]\s|[a-zA-Z][.)]\s|#|\||$)"
)
_WRAPPED: Final = 50
"""A line that is shorter was ended by its author, not by the width of a page."""
_ABBREVIATIONS: Final = word_set(
    "mr mrs ms dr prof st sr jr no nr vs cf eg ie approx inc ltd co corp dept est gen gov vol ed",
    "eds ca bzw vgl zb dh abs art ziff kap bd hrsg mio mrd tsd tel str inkl exkl zzgl ggf evtl sog",
    "ua max min fig abb tab sec ch chap pp m mm mme mlle env av sra srta ud uds pag pags num sig",
    "dott avv ing artt al nn usd par para lit op gem br allg entspr bspw",
)
_COUNTED: Final = word_set(
    "quartal quartals halbjahr halbjahres jahr jahres jahrhundert tag tages monat monats woche",
    "kapitel abschnitt auflage stock etage platz stufe klasse absatz satz person lebensjahr",
    "arbeitstag werktag kalendertag jahrestag geburtstag mahnung rate instanz generation",
)
"""German nouns behind an ordinal: "im 3. Quartal"."""


def sentences_of_line(text: str, start: int, end: int) -> Iterator[Span]:
    """The sentences between two places of which no line break parts one from the next."""
    start, end = _stripped(text, start, end)
    if _ROW.match(text, start, end):
        yield from _cut(text, start, end)
        return
    for match in _END.finditer(text, start, end):
        point = match.start()
        may_go_on = match[0] == "." and point - start < LONGEST  # else it would be read many times
        if point < start or (may_go_on and _goes_on(text, start, point, end)):
            continue
        after = _AFTER_END.match(text, match.end(), end)
        stop = after.end() if after else match.end()
        yield from _cut(text, start, stop)
        start = _stripped(text, stop, end)[0]
    yield from _cut(text, start, end)


def _goes_on(text: str, start: int, point: int, end: int) -> bool:
    """Whether the sentence goes on behind the point."""
    following = _NEXT.match(text, point + 1, end)
    word = following[1] if following else ""
    if not word:
        return False
    before = text[max(start, point - 20) : point].split()
    last = fold(before[-1].lstrip("(\"'“„«*_[")).replace(".", "") if before else ""
    if last.isdecimal():
        is_item = not text[start:point].strip("#>*-+ \t").rstrip("0123456789")
        is_ordinal = len(last) <= 2 and (fold(word) in MONTHS or fold(word) in _COUNTED)  # noqa: PLR2004
        return is_item or is_ordinal or (len(last) <= 3 and word[0].islower())  # noqa: PLR2004
    if word[0].islower():
        return True
    return last in _ABBREVIATIONS or (len(last) == 1 and last.isalpha())


def _stripped(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _cut(text: str, start: int, end: int) -> Iterator[Span]:
    start, end = _stripped(text, start, end)
    while end - start > LONGEST:
        stop = text.rfind(" ", start + LONGEST // 2, start + LONGEST)
        stop = start + LONGEST if stop < 0 else stop
        yield start, stop
        start = _stripped(text, stop, end)[0]
    if start < end:
        yield start, end


def sentences_of_passage(text: str) -> Iterator[Span]:
    """The sentences of a document, where a line may end within one: pages have a width."""
    for start, end in _blocks(text):
        yield from sentences_of_line(text, start, end)


def _blocks(text: str) -> Iterator[Span]:
    start = place = 0
    previous = ""
    for line in text.splitlines(keepends=True):
        if place > start and not _is_wrapped(previous, line):
            yield start, place
            start = place
        place += len(line)
        previous = line
    if place > start:
        yield start, place


def _is_wrapped(previous: str, line: str) -> bool:
    """Whether `line` goes on with the sentence of the line before."""
    previous, shown = previous.rstrip(), line.strip()
    if not shown:
        return True  # it begins nothing
    if not previous or _OWN_LINE.match(line) or previous.startswith(("#", "|")):
        return False
    if previous[-1] in ".!?…。！？:;":
        return False
    return shown[0].islower() or len(previous) >= _WRAPPED
