"""Answers a LightOn search: filters documents, ranks passages and writes them as LightOn does.

No model judges relevance here. It is the share of the question's terms that a passage holds. Rare
terms count for more, and a passage that BM25 puts far below the best one counts for less.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from proxy.sandbox.documents.corpus import Corpus, Passage
from proxy.sandbox.documents.facets import matches_content_type
from proxy.sandbox.documents.index import Hit
from proxy.sandbox.lighton.request import SearchRequest
from proxy.sandbox.scaleway.catalogue import Document

CANDIDATES = 200
RELEVANT = 0.3  # drop results below it
AT_LEAST = 3  # but return this many anyway

# A page image of one white pixel: the stand-in cannot draw a page.
_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAGdYGBgAAAABJRU5ErkJggg=="
)


class NothingAuthorised(Exception):
    """No document matches the filters."""


@dataclass(frozen=True, slots=True)
class _Result:
    passage: Passage
    hit: Hit
    relevance: float | None

    @property
    def score(self) -> float:
        return _rounded(self.hit.bm25) if self.relevance is None else self.relevance


def search(corpus: Corpus, request: SearchRequest) -> list[dict[str, Any]]:
    """Return the results as LightOn writes them. Raises `NothingAuthorised`."""
    allowed = frozenset(document.id for document in corpus.documents if _matches(document, request))
    if not allowed:
        raise NothingAuthorised
    vision = request.mode == "vision"

    def searchable(number: int) -> bool:
        passage = corpus.passages[number]
        return passage.document.id in allowed and (passage.chunk.page is not None or not vision)

    hits = corpus.index.search(request.query, allowed=searchable, limit=CANDIDATES)
    results = [
        _Result(corpus.passages[hit.number], hit, relevance)
        for hit, relevance in _scored(hits, request)
    ]
    results.sort(key=lambda result: (-result.score, -result.hit.bm25, result.hit.number))
    if vision:
        results = _one_per_page(results)
    return [_written(result, request) for result in _kept(results, request)]


def _matches(document: Document, request: SearchRequest) -> bool:
    return (
        (not request.workspace_id or document.workspace.id in request.workspace_id)
        and (not request.file_id or document.id in request.file_id)
        and (not request.tag_id or any(tag.id in request.tag_id for tag in document.tags))
        and (
            not request.content_type
            or any(
                matches_content_type(each, document.content_types) for each in request.content_type
            )
        )
        and all(
            wanted.matches(document.content_types, document.attributes)
            for wanted in request.attribute
        )
    )


def _scored(hits: list[Hit], request: SearchRequest) -> Iterable[tuple[Hit, float | None]]:
    best = max((hit.bm25 for hit in hits), default=0.0)
    for hit in hits:
        if request.relevance_scoring == "none":
            yield hit, None
        else:
            held = (hit.share + hit.coverage) / 2
            yield hit, _rounded(held * (1 + hit.bm25 / best) / 2)


def _rounded(score: float) -> float:
    return round(score, 6)


def _one_per_page(results: list[_Result]) -> list[_Result]:
    best: dict[tuple[int, int | None], _Result] = {}
    for result in results:
        best.setdefault((result.passage.document.id, result.passage.chunk.page), result)
    return list(best.values())


def _kept(results: list[_Result], request: SearchRequest) -> list[_Result]:
    if request.relevance_scoring == "scoring_and_filtering":
        relevant = [result for result in results if result.score >= RELEVANT]
        results = relevant or results[:AT_LEAST]
    return results[: request.max_results]


def _written(result: _Result, request: SearchRequest) -> dict[str, Any]:
    passage, chunk = result.passage, result.passage.chunk
    vision = request.mode == "vision"
    workspace = passage.document.workspace
    written: dict[str, Any] = {
        "chunk_id": str(passage.id),
        "content": None if vision else chunk.content,
        "score": result.score,
        "scores": _scores(result, vision=vision),
        "source": _source(passage),
        "workspace": {"id": workspace.id, "name": workspace.name},
    }
    if request.include_image:
        written["image"] = {"b64_content": "" if chunk.page is None else _PIXEL}
    if request.include_bboxes:
        written["bboxes"] = [] if vision else _bboxes(passage)
    return written


def _scores(result: _Result, *, vision: bool) -> dict[str, float | None]:
    similarity, keyword = _rounded(result.hit.share), _rounded(result.hit.bm25)
    return {
        "text": None if vision else similarity,
        "vision": similarity if vision else None,
        "keyword": None if vision else keyword,
        "multivector": None,
        "relevance": result.relevance,
    }


def _source(passage: Passage) -> dict[str, Any]:
    document, page = passage.document, passage.chunk.page
    return {
        "file_id": document.id,
        "filename": document.filename,
        "title": document.title,
        "mime_type": document.file_type,
        "size_bytes": document.size_bytes,
        "page_start": page,
        "page_end": page,
        "total_pages": len(document.page_sizes) or 1,
        "tags": [{"id": tag.id, "name": tag.name} for tag in document.tags],
        "content_types": [_content_type(document, each) for each in document.content_types],
        "external_metadata": external_metadata(document),
    }


def _content_type(document: Document, path: str) -> dict[str, Any]:
    """Return a content type with all attributes of the document: nobody says whose they are."""
    values = {
        name: {"value": values[0] if len(values) == 1 else list(values), "type": "text"}
        for name, values in document.attributes.items()
    }
    return {"path": path, "label": path.rpartition(":")[2], "attribute_values": values}


def external_metadata(document: Document) -> dict[str, Any] | None:
    external = document.external
    if external is None:
        return None
    return {
        "external_id": external.id,
        "external_url": external.url,
        "additional_metadata": {"url": external.source_url} if external.source_url else {},
    }


def _bboxes(passage: Passage) -> list[dict[str, Any]]:
    """Return the rectangle of the whole page; a finer one would need the layout."""
    page = passage.chunk.page
    if page is None:
        return []
    width, height = passage.document.page_sizes[page - 1]
    where = {"page_number": page, "x": 0.0, "y": 0.0, "width": width, "height": height}
    return [{**where, "unit": "pdf_point", "origin": "top_left"}]
