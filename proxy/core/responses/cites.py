"""Citations as a Responses client knows them.

They are made of what a chat client hears: its annotations, and the report, which alone tells the
files. So both clients hear of the same sources at the same places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proxy.core.citations import Citation, Cite
from proxy.core.responses.wire import Annotation
from proxy.core.wire import Annotation as ChatAnnotation


def annotation_of(cite: Cite, begin: int, end: int | None, *, as_file: bool) -> Annotation:
    """The annotation of a part that stands at `begin` to `end`; None if it has not ended.

    `as_file` is how OpenAI's file search cites. It needs a file, which a source may lack.
    """
    start = cite.start - begin
    if as_file and cite.file_id is not None:
        file_id = str(cite.file_id)
        return {
            "type": "file_citation",
            "file_id": file_id,
            "filename": cite.title,
            "index": start,
        }
    return {
        "type": "url_citation",
        "url": cite.url,
        "title": cite.title,
        "start_index": start,
        "end_index": (cite.end if end is None else min(cite.end, end)) - begin,
    }


def cites_of(annotations: Sequence[ChatAnnotation], reported: Sequence[Citation]) -> list[Cite]:
    """The citations of a whole answer, in its order. `reported` are those of its report."""
    files = {tuple(span): each["file_id"] for each in reported for span in each["spans"]}
    return [_cite(each, files) for each in annotations]


def _cite(annotation: ChatAnnotation, files: Mapping[tuple[int, ...], int | None]) -> Cite:
    cited = annotation["url_citation"]
    start, end = cited["start_index"], cited["end_index"]
    return Cite(start, end, cited["url"], cited["title"], files.get((start, end)))
