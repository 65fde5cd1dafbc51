"""What becomes of an answer's markers: annotations, and the report's list of citations."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.citations import (
    MAX_ANNOTATIONS,
    MAX_WEIGHED,
    annotate,
    citations,
    cites_at,
    json_markers,
)
from proxy.core.evidence.shelf import Shelf
from proxy.core.passages import Passage
from proxy.core.text import Marker
from tests.core.samples import result
from tests.support.steps import MOST_BETWEEN_PAUSES, at_once, most_between_pauses

PASSAGES = {
    n: Passage(n, result(f"c{n}", url=f"https://docs.example/{name}", title=name.title()))
    for n, name in ((1, "leave"), (2, "pay"), (3, "leave"))
}
TEXTS = {
    1: "Everybody has 27 days of leave a year. Ask early.",
    2: "Pay day is the 25th.",
    3: "Leave of the year before is lost in March.",
}


def marker(text: str, n: int, *passages: int, nth: int = 0) -> Marker:
    """The marker `[n]` that stands in `text` for the `nth` time."""
    place = -1
    for _ in range(nth + 1):
        place = text.index(f"[{n}]", place + 1)
    return Marker(place, place + len(f"[{n}]"), n, passages)


def cite(text: str, *markers: Marker) -> list[Any]:
    return list(at_once(citations(text, markers, PASSAGES, TEXTS.__getitem__, Shelf())))


def test_a_marker_becomes_an_annotation_in_openais_shape() -> None:
    text = "It is 27 days [1]."
    (annotation,) = annotate([marker(text, 1, 3)], PASSAGES)
    assert annotation == {
        "type": "url_citation",
        "url_citation": {
            "url": "https://docs.example/leave",
            "title": "Leave",
            "start_index": 14,
            "end_index": 17,
        },
    }


def test_a_source_is_listed_once_with_all_places_and_passages() -> None:
    text = "There are 27 days of leave [1]. Pay day is the 25th [2]. It is lost in March [1]."
    leave, pay = cite(text, marker(text, 1, 1), marker(text, 2, 2), marker(text, 1, 3, nth=1))
    assert (leave["n"], leave["url"], leave["title"], leave["file_id"]) == (
        1,
        "https://docs.example/leave",
        "Leave",
        7,
    )
    assert [text[start:end] for start, end in leave["spans"]] == ["[1]", "[1]"]
    assert [each["passage"] for each in leave["passages"]] == [1, 3]
    assert [each["chunk_id"] for each in leave["passages"]] == ["c1", "c3"]
    assert (pay["n"], [each["passage"] for each in pay["passages"]]) == (2, [2])


def test_a_quote_stands_in_the_passage_as_it_is() -> None:
    text = "Everybody has 27 days of leave a year [1]."
    ((entry,),) = [each["passages"] for each in cite(text, marker(text, 1, 1))]
    assert entry["quote"] == "Everybody has 27 days of leave a year."
    assert (entry["support"], entry["figures_missing"]) == ("exact", [])


def test_figures_that_no_cited_passage_holds_are_told_for_each_sentence() -> None:
    text = "There are 30 days of leave a year [1]. Leave of 2019 is lost in March [1]."
    first, second = marker(text, 1, 1), marker(text, 1, 1, nth=1)
    ((entry,),) = [each["passages"] for each in cite(text, first, second)]
    assert entry["figures_missing"] == ["30 days", "2019"]
    assert entry["support"] in ("weak", "none")


def test_a_passage_whose_text_is_gone_supports_nothing() -> None:
    text = "It is 27 days [1]."
    cited = at_once(citations(text, [marker(text, 1, 1)], PASSAGES, lambda _: "", Shelf()))
    ((entry,),) = [each["passages"] for each in cited]
    assert (entry["quote"], entry["support"]) == ("", "none")


def test_of_very_many_citations_only_the_first_are_weighed() -> None:
    text = "It is so [1]. " * MAX_WEIGHED + "So [2]."
    many = [Marker(start, start + 3, 1, (1,)) for start in range(9, 14 * MAX_WEIGHED, 14)]
    leave, pay = cite(text, *many, marker(text, 2, 2))
    assert len(leave["spans"]) == MAX_WEIGHED
    assert leave["passages"]
    assert pay["passages"] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": "Three [2]."}', ["[2]"]),
        ('{"months": [3], "years": [1, 2], "text": "so"}', []),
        ('{"[1]": "so"}', []),
        ('{"a": "one [1] and \\"[2]\\"", "b": ["[3]", "[4]"]}', ["[1]", "[2]", "[3]"]),
        ('{"a": "cut off [1]', []),
        ('["[1]"]', ["[1]"]),
        ("[1]", []),
        ('{"c": "z [1, 3] 【2】 [passage 3]"}', ["[1, 3]", "[1, 3]", "【2】", "[passage 3]"]),
        ('{"c": "z [1, 9]"}', ["[1, 9]"]),
        ('{"c": "between [0, 1]"}', []),
    ],
)
def test_markers_of_a_json_answer_are_those_in_its_strings(text: str, found: list[str]) -> None:
    markers = at_once(json_markers(text, PASSAGES))
    assert [text[each.start : each.end] for each in markers] == found
    assert all(each.passages == (each.n,) for each in markers)


def test_of_the_markers_of_a_json_answer_few_more_than_are_told_of_are_read() -> None:
    text = '{"a": "' + "[1]" * 3 * MAX_ANNOTATIONS + '"}'
    assert len(at_once(json_markers(text, PASSAGES))) == MAX_ANNOTATIONS + 1


@pytest.mark.parametrize("unit", ['"",', '"[9]",', "[9]", '"a": '])
def test_a_long_json_answer_is_read_with_pauses(unit: str) -> None:
    text = '{"a": "' + unit * 40_000 + '"}'
    assert most_between_pauses(json_markers(text, PASSAGES)) < MOST_BETWEEN_PAUSES


def test_a_long_passage_is_read_with_pauses() -> None:
    text = "It is 27 days [1]."
    passage = "The rent of 12 months is due, not before 1 March 2024. " * 400
    work = citations(text, [marker(text, 1, 1)], PASSAGES, lambda _: passage, Shelf())
    assert most_between_pauses(work) < MOST_BETWEEN_PAUSES


def test_citations_of_a_text_that_goes_on_say_what_its_annotations_will() -> None:
    markers = [Marker(n, n + 1, 1, (1 + n % 3,)) for n in range(MAX_ANNOTATIONS + 5)]
    early = list(cites_at(markers, PASSAGES))
    assert len(early) == MAX_ANNOTATIONS
    annotations = annotate(markers[:MAX_ANNOTATIONS], PASSAGES)
    assert [each[:4] for each in early] == [
        (cited["start_index"], cited["end_index"], cited["url"], cited["title"])
        for cited in (each["url_citation"] for each in annotations)
    ]
    assert early[0].file_id == 7
