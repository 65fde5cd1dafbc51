from __future__ import annotations

from typing import Any

from proxy.core.citations import Cite, annotate, cites_at
from proxy.core.passages import Passage, Result
from proxy.core.responses.cites import annotation_of, cites_of
from proxy.core.text import Marker

CITE = Cite(7, 10, "https://x/7", "Handbook", 7)
PASSAGES = {
    1: Passage(1, Result("c", "Text.", 0.5, 7, "Handbook", "h.pdf", "https://x/7")),
    2: Passage(2, Result("d", "Text.", 0.5, None, None, "i.pdf", "https://x/8")),
}
MARKERS = [Marker(7, 10, 1, (1,)), Marker(20, 23, 2, (2, 1))]


def test_a_file_citation_names_the_file_and_where_it_is_cited() -> None:
    assert annotation_of(CITE, 5, None, as_file=True) == {
        "type": "file_citation",
        "file_id": "7",
        "filename": "Handbook",
        "index": 2,
    }


def test_a_source_is_cited_by_its_address_to_whoever_hosts_no_file_search() -> None:
    assert annotation_of(CITE, 5, None, as_file=False) == {
        "type": "url_citation",
        "url": "https://x/7",
        "title": "Handbook",
        "start_index": 2,
        "end_index": 5,
    }


def test_a_source_without_a_file_is_cited_by_its_address() -> None:
    bare = CITE._replace(file_id=None)
    assert annotation_of(bare, 0, None, as_file=True)["type"] == "url_citation"


def test_a_citation_ends_with_its_part() -> None:
    cited: Any = annotation_of(CITE, 5, 9, as_file=False)
    assert (cited["start_index"], cited["end_index"]) == (2, 4)


def test_the_citations_of_a_report_and_of_the_text_so_far_are_the_same() -> None:
    reported: Any = [
        {"n": 1, "file_id": 7, "spans": [[7, 10]]},
        {"n": 2, "file_id": None, "spans": [[20, 23]]},
    ]
    late = cites_of(annotate(MARKERS, PASSAGES), reported)
    assert late == list(cites_at(MARKERS, PASSAGES))
    assert [each.file_id for each in late] == [7, None]
    assert [each.title for each in late] == ["Handbook", "i.pdf"]
