from __future__ import annotations

from typing import Any

import pytest

from proxy.core.hidden import Found, Job
from tests.core.responses.scripts import RESULT, SEARCH, Play, chunk, search


def searched(*, has_failed: bool = False, **manner: Any) -> Play:
    one = Play({"has_file_search": True, **manner})
    one.begin_search("notice period")
    one.end_search("notice period", has_failed=has_failed)
    one.hear(chunk({"content": "27 days."}))
    one.end()
    return one


def test_a_search_is_told_as_it_happens_before_the_message_that_rests_on_it() -> None:
    one = searched()
    assert one.types[2:8] == [
        "output_item.added",
        "file_search_call.in_progress",
        "file_search_call.searching",
        "file_search_call.completed",
        "output_item.done",
        "output_item.added",
    ]
    assert one.response["output"][0] == {
        "type": "file_search_call",
        "id": "fs_0",
        "status": "completed",
        "queries": ["notice period"],
        "results": None,
    }


def test_results_are_shown_if_they_are_included() -> None:
    assert searched(has_results=True).response["output"][0]["results"] == [
        {
            "file_id": "7",
            "filename": "Handbook",
            "score": 0.5,
            "text": "Text.",
            "attributes": {},
        }
    ]


def test_no_field_of_a_result_is_null_and_one_without_text_is_left_out() -> None:
    one = Play({"has_file_search": True, "has_results": True})
    bare = RESULT._replace(file_id=None, score=None)
    one.begin_search("q")
    found = Found((RESULT._replace(content=None), bare))
    one.told += one.writer.end(SEARCH, search("q"), found)
    one.end()
    assert one.response["output"][0]["results"] == [
        {"file_id": "", "filename": "Handbook", "score": 0.0, "text": "Text.", "attributes": {}}
    ]


def test_each_result_has_the_attributes_of_its_document_and_a_score_from_0_to_1() -> None:
    one = Play({"has_file_search": True, "has_results": True})
    one.begin_search("q")
    scores = (30.0, 20.0, 15.0)
    found = Found(
        tuple(
            RESULT._replace(content=text, score=s)
            for text, s in zip(("a", "", "b"), scores, strict=True)
        ),
        attributes=({"year": 2026}, {"year": 2025}, {}),
    )
    one.told += one.writer.end(SEARCH, search("q"), found)
    one.end()
    shown = one.response["output"][0]["results"]
    assert [(each["text"], each["score"], each["attributes"]) for each in shown] == [
        ("a", 1.0, {"year": 2026}),
        ("b", 0.5, {}),
    ]


def test_a_search_that_fails_has_failed() -> None:
    one = searched(has_failed=True, has_results=True)
    assert one.response["output"][0]["status"] == "failed"
    assert one.response["output"][0]["results"] is None
    assert "file_search_call.completed" not in one.types


def test_a_search_that_is_not_waited_for_is_incomplete() -> None:
    one = Play({"has_file_search": True})
    one.begin_search("q")
    one.hear(chunk({"content": "Hi"}))
    one.end()
    assert one.response["output"][0]["status"] == "incomplete"


def test_a_client_that_hosts_no_file_search_hears_of_none() -> None:
    one = Play()
    one.begin_search("q")
    assert one.told == []
    one.end_search("q")
    assert one.told == []


def test_other_hidden_tools_stay_hidden() -> None:
    class Reading:
        name = "lighton_read"

    one = Play({"has_file_search": True})
    tool: Any = Reading()
    job = Job("lighton_read", (1,))
    assert one.writer.begin(tool, job) == []
    assert one.writer.end(tool, job, Found()) == []


@pytest.mark.parametrize("kind", [True, False])
def test_files_are_cited_only_to_whoever_hosts_the_search(kind: bool) -> None:  # noqa: FBT001  # a table
    one = Play({"has_file_search": kind})
    one.hear(chunk({"content": "27."}))
    one.cite()
    one.end()
    (cited,) = one.response["output"][0]["content"][0]["annotations"]
    assert cited["type"] == ("file_citation" if kind else "url_citation")
