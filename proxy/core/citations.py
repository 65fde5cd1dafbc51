"""Citations: what an answer's reader is told of the sources of its text.

The text machine has found the markers. Here they become OpenAI's `url_citation` annotations and the
reply's own list of citations, which also says how well the passages bear the text out. Offsets are
in characters of the whole text, as OpenAI's schema wants them: 0 <= start < end <= len(text).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from typing_extensions import TypedDict

from proxy.core.evidence.bearing import Source
from proxy.core.evidence.shelf import Shelf
from proxy.core.evidence.weigh import Finding, Mark, weigh
from proxy.core.passages import Passage
from proxy.core.text import Marker
from proxy.core.text.markers import Bracket, brackets_in
from proxy.core.text.sure import is_made_up
from proxy.core.wire import Annotation, UrlCitation
from proxy.tasks import Steps

MAX_ANNOTATIONS: Final = 1_000
"""The most annotations of one answer."""
MAX_WEIGHED: Final = 200
"""The most citations of one answer for which the passages are compared with the text."""
_AT_ONCE: Final = 100
"""So many strings and markers of a JSON text are read without a pause."""

_JSON_STRING: Final = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?', re.DOTALL)
"""A string, and the colon that makes a key of it."""


class Cite(NamedTuple):
    """A citation in a text, whose end is not known yet. Its places are those of an annotation."""

    start: int
    end: int
    url: str
    title: str
    file_id: int | None


class CitedPassage(TypedDict):
    """A passage that a source is cited with."""

    passage: int
    chunk_id: str
    page_start: int | None
    page_end: int | None
    quote: str
    """What of the passage best bears out the sentence that cites it; "" if nothing does."""
    support: str
    figures_missing: list[str]
    """Numbers, amounts and dates of the citing sentences that no passage cited there holds."""


class Citation(TypedDict):
    """One source, as often as it is cited."""

    n: int
    url: str
    title: str
    file_id: int | None
    spans: list[list[int]]
    passages: list[CitedPassage]


def annotate(markers: Sequence[Marker], passages: Mapping[int, Passage]) -> list[Annotation]:
    """The annotations of a text's markers, in its order."""
    return [_annotation(each, passages[each.passages[0]]) for each in markers]


def cites_at(markers: Sequence[Marker], passages: Mapping[int, Passage]) -> Iterator[Cite]:
    """What `annotate` says of the same markers, and the files: for a text that still goes on."""
    for marker in markers[:MAX_ANNOTATIONS]:
        result = passages[marker.passages[0]].result
        yield Cite(marker.start, marker.end, result.url, result.name, result.file_id)


def _annotation(marker: Marker, passage: Passage) -> Annotation:
    citation: UrlCitation = {
        "url": passage.result.url,
        "title": passage.result.name,
        "start_index": marker.start,
        "end_index": marker.end,
    }
    return {"type": "url_citation", "url_citation": citation}


def json_markers(text: str, passages: Mapping[int, Passage]) -> Steps[list[Marker]]:
    """The markers inside the string values of a JSON text: one for each number of a passage.

    Where there are more than MAX_ANNOTATIONS, one more is told of.
    """
    highest = max(passages, default=0)
    found: list[Marker] = []
    for read, marked in enumerate(_in_json_values(text)):
        if read % _AT_ONCE == 0:
            yield
        if marked is None:
            continue
        at, bracket = marked
        if is_made_up([n for n in bracket.numbers if n not in passages], highest):
            known = (n for n in bracket.numbers if n in passages)
            found += [Marker(at, bracket.end, n, (n,)) for n in known]
        if len(found) > MAX_ANNOTATIONS:
            break
    return found[: MAX_ANNOTATIONS + 1]


def _in_json_values(text: str) -> Iterator[tuple[int, Bracket] | None]:
    """What may be markers in the string values of a JSON text, and None for each value."""
    for start, end in _json_values(text):
        yield None
        yield from brackets_in(text, start, end)


def _json_values(text: str) -> Iterator[tuple[int, int]]:
    """Where the string values of a JSON text stand. One that is cut off is none."""
    place = text.find('"')
    while place >= 0 and (string := _JSON_STRING.match(text, place)):
        if not string[2]:
            yield string.span(1)
        place = text.find('"', string.end())


def citations(
    text: str,
    markers: Sequence[Marker],
    passages: Mapping[int, Passage],
    shown: Callable[[int], str],
    shelf: Shelf,
) -> Steps[list[Citation]]:
    """The sources of a text, by number. `shown` gives the text of a passage, "" if it is gone.

    The markers stand in the order of the text.
    """
    if not markers:
        return []  # the text need not be read
    found: dict[int, Citation] = {}
    for marker in markers:
        citation = found.setdefault(marker.n, _citation(marker.n, passages[marker.passages[0]]))
        citation["spans"].append([marker.start, marker.end])
    cites = [(each.n, Mark(each.start, each.end, p)) for each in markers for p in each.passages]
    del cites[MAX_WEIGHED:]
    marks = [mark for _, mark in cites]
    sources: dict[int, Source] = {}
    for p in {mark.passage for mark in marks}:
        sources[p] = yield from shelf.source(shown(p), passages[p].result.name)
    findings = yield from weigh(text, marks, sources)
    known: dict[int, CitedPassage] = {}
    for (n, mark), finding in zip(cites, findings, strict=True):
        entry = known.get(mark.passage)
        if entry is None:
            entry = known[mark.passage] = _cited_passage(passages[mark.passage], finding)
            found[n]["passages"].append(entry)
        more = (*entry["figures_missing"], *finding.figures_missing)
        entry["figures_missing"] = list(dict.fromkeys(more))
    return [found[n] for n in sorted(found)]


def _citation(n: int, passage: Passage) -> Citation:
    return {
        "n": n,
        "url": passage.result.url,
        "title": passage.result.name,
        "file_id": passage.result.file_id,
        "spans": [],
        "passages": [],
    }


def _cited_passage(passage: Passage, finding: Finding) -> CitedPassage:
    return {
        "passage": passage.n,
        "chunk_id": passage.result.chunk_id,
        "page_start": passage.result.page_start,
        "page_end": passage.result.page_end,
        "quote": finding.quote,
        "support": finding.support,
        "figures_missing": [],
    }
