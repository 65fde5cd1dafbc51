"""Both ways in which a reply comes, and both forms of what it found."""

import json
from typing import Any

import pytest

from tests.quality.reply import Citation, Reply

LINK = {
    "type": "url_citation",
    "url_citation": {"url": "u", "title": "Parking", "start_index": 3, "end_index": 6},
}
NUMBERED = {"n": 1, "title": "Parking", "filename": "parking.md"}
NUMBERED_AND_PASSAGE = {"passage": 4, **NUMBERED}


def lighton(result: dict[str, Any]) -> dict[str, Any]:
    return {"rounds": 2, "searches": [{"query": "q", "results": [result]}]}


def events(*chunks: dict[str, Any], end: str = "data: [DONE]") -> list[str]:
    return [*(f"data: {json.dumps(each)}" for each in chunks), ": heartbeat", "", end]


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"delta": fields}]}


@pytest.mark.parametrize("result", [NUMBERED, NUMBERED_AND_PASSAGE])
def test_a_stream_and_a_body_say_the_same(result: dict[str, Any]) -> None:
    body = {
        "choices": [{"message": {"content": "31 [1]", "annotations": [LINK]}}],
        "lighton": lighton(result),
    }
    stream = events(
        delta(role="assistant", content="31"),
        delta(content=" [1]"),
        {**delta(annotations=[LINK]), "lighton": lighton(result)},
        {"choices": [], "usage": {}},
    )
    whole = Reply.of_body(body)
    assert Reply.of_stream(stream) == whole
    assert whole.citations == (Citation("Parking", 3, 6),)
    assert (whole.found, whole.rounds) == ({"Parking"}, 2)


def test_what_has_no_title_goes_by_its_file() -> None:
    assert Reply(lighton=lighton({"title": None, "filename": "a.md"})).found == {"a.md"}


def test_a_reply_without_searches_found_nothing() -> None:
    reply = Reply.of_body({"choices": [{"message": {"content": None}}]})
    assert (reply.text, reply.found, reply.searches, reply.rounds) == ("", set(), [], 0)


def test_an_error_in_a_stream_is_kept_with_the_text_before_it() -> None:
    reply = Reply.of_stream(events(delta(content="31"), {"error": {"message": "no"}}))
    assert (reply.text, "no" in reply.error) == ("31", True)


def test_a_stream_that_ends_early_is_an_error() -> None:
    assert Reply.of_stream(events(delta(content="31"), end="")).error == "the stream ended early"
