"""Citations as a Responses client knows them.

They are made of what a chat client hears: its annotations, and the report, which alone tells the
files. So both clients hear of the same sources at the same places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from proxy.core.citations import MAX_ANNOTATIONS
from proxy.core.citations import Citation as Reported
from proxy.core.passages import Passage
from proxy.core.responses.wire import Annotation
from proxy.core.text import Marker
from proxy.core.wire import Annotation as ChatAnnotation


class Cite(NamedTuple):
    """A citation in the text of an answer. Its places count characters of the whole text."""

    start: int
    end: int
    url: str
    title: str
    file_id: int | None

    def as_annotation(self, begin: int, end: int | None, *, as_file: bool) -> Annotation:
        """The annotation of a part that stands at `begin` to `end`; None if it has not ended.

        `as_file` is how OpenAI's file search cites. It needs a file, which a source may lack.
        """
        start = self.start - begin
        if as_file and self.file_id is not None:
            file_id = str(self.file_id)
            return {
                "type": "file_citation",
                "file_id": file_id,
                "filename": self.title,
                "index": start,
            }
        return {
            "type": "url_citation",
            "url": self.url,
            "title": self.title,
            "start_index": start,
            "end_index": (self.end if end is None else min(self.end, end)) - begin,
        }


def cites_of(annotations: Sequence[ChatAnnotation], reported: Sequence[Reported]) -> list[Cite]:
    """The citations of a whole answer, in its order. `reported` are those of its report."""
    files = {tuple(span): each["file_id"] for each in reported for span in each["spans"]}
    return [_cite(each, files) for each in annotations]


def cites_at(markers: Sequence[Marker], passages: Mapping[int, Passage]) -> Iterator[Cite]:
    """The citations of the text so far, before there is a report."""
    for marker in markers[:MAX_ANNOTATIONS]:
        result = passages[marker.passages[0]].result
        yield Cite(marker.start, marker.end, result.url, result.name, result.file_id)


def _cite(annotation: ChatAnnotation, files: Mapping[tuple[int, ...], int | None]) -> Cite:
    cited = annotation["url_citation"]
    start, end = cited["start_index"], cited["end_index"]
    return Cite(start, end, cited["url"], cited["title"], files.get((start, end)))
