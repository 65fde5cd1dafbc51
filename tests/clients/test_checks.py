"""What is true of a client, and what is told as a failure."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.checks import CHECKS, LATER_FACT, QUESTION, Heard, Outcome, judged
from tests.e2e.scenario import FACT

BY_NAME = {check.name: check for check in CHECKS}
SOURCE = {"title": "Leave", "url": "https://documents.example/leave"}
SUNNY = f"It is sunny in Paris. {FACT}"


def verdict(name: str, seen: dict[str, Any], searches: int | None = None) -> Outcome:
    check = BY_NAME[name]
    count = check.searches or 0 if searches is None else searches
    return judged(check, seen, Heard(count, f"{QUESTION} {FACT}"), QUESTION)


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("answer", {"text": FACT}),
        ("stream", {"pieces": [FACT[:9], FACT[9:]]}),
        ("stream", {"pieces": [FACT[:9], FACT[9:]], "text": FACT}),
        ("tool", {"calls": ["Paris"], "text": SUNNY}),
        ("next_turn", {"text": LATER_FACT}),
        ("citations", {"text": FACT, "sources": [SOURCE]}),
        ("error", {"error": "There is no model no-such-model.", "status": 404}),
        ("error", {"error": "There is no model no-such-model."}),
        ("file_search", {"text": FACT, "found": [SOURCE], "sources": [SOURCE]}),
        ("embeddings", {"vectors": [[0.1, 0.2], [0.1, 0.2]]}),
        ("embeddings", {"found": [QUESTION, "Ada likes tea."]}),
    ],
)
def test_what_is_right_passes(name: str, seen: dict[str, Any]) -> None:
    assert verdict(name, seen) == Outcome("passed")


@pytest.mark.parametrize(
    ("name", "seen", "why"),
    [
        ("answer", {"text": "Employees have leave."}, "is there 0 times"),
        ("answer", {"text": None}, "is there 0 times"),
        ("answer", {"text": FACT + FACT}, "is there 2 times"),
        ("answer", {"text": f"lighton_search {FACT}"}, "lighton_search is in"),
        ("stream", {"pieces": [FACT]}, "came in 1 pieces"),
        ("stream", {"pieces": [FACT[:9], FACT[10:]]}, "is there 0 times"),
        ("stream", {"pieces": [FACT[:9], FACT[9:]], "text": "Else."}, "and the whole is 'Else.'"),
        ("tool", {"calls": [], "text": SUNNY}, "was called for []"),
        ("tool", {"calls": ["Paris", "Paris"], "text": SUNNY}, "was called for"),
        ("tool", {"calls": ["Paris"], "text": FACT}, "the tool's result is not in"),
        ("next_turn", {"text": FACT}, "Parental leave lasts"),
        ("citations", {"text": FACT, "sources": [{"title": "", "url": ""}]}, "has no title"),
        ("error", {}, "does not name the model"),
        ("error", {"error": "no-such-model", "status": 500}, "the status is 500"),
        ("file_search", {"text": FACT, "found": [], "sources": [SOURCE]}, "no results"),
        ("file_search", {"text": FACT, "found": [SOURCE], "sources": []}, "no source"),
        ("embeddings", {"vectors": [[0.1, 0.2], [0.2, 0.1]]}, "two equal texts"),
        ("embeddings", {"vectors": [[], []]}, "vectors of 0 and 0 numbers"),
        ("embeddings", {"found": ["Ada likes tea."]}, "it found ['Ada likes tea.']"),
    ],
)
def test_what_is_wrong_fails_and_is_said(name: str, seen: dict[str, Any], why: str) -> None:
    outcome = verdict(name, seen)
    assert outcome.verdict == "failed"
    assert why in outcome.why


def test_a_search_too_few_or_too_many_is_a_failure() -> None:
    assert verdict("answer", {"text": FACT}, searches=0).verdict == "failed"
    assert "2 searches" in verdict("tool", {"calls": ["Paris"], "text": SUNNY}, searches=2).why


def test_a_conversation_that_the_model_has_not_heard_is_a_failure() -> None:
    outcome = judged(BY_NAME["next_turn"], {"text": LATER_FACT}, Heard(1, QUESTION), "And?")
    assert outcome == Outcome("failed", f"the model was not told {FACT!r}")


def test_a_client_that_drops_citations_is_said_to_do_so() -> None:
    outcome = verdict("citations", {"text": FACT, "sources": []})
    assert outcome == Outcome("not applicable", "it drops them; the text keeps [1]")


def test_a_check_that_means_nothing_to_a_client_is_not_applicable() -> None:
    assert verdict("stream", {"why_not": "it has none"}) == Outcome("not applicable", "it has none")


def test_a_check_that_a_program_leaves_out_is_not_tried() -> None:
    assert verdict("stream", {"why_not": ""}) == Outcome("not tried")
