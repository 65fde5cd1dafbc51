from __future__ import annotations

from typing import Any

import pytest

from proxy.errors import BadRequest, ModelNotFound, Unreachable
from proxy.telemetry.facts import Failure, Outcome
from tests.telemetry.samples import answer_facts, request_facts


def test_a_failure_is_named_by_its_code() -> None:
    assert Failure.of(ModelNotFound("No such model.")) == Failure("model_not_found")


def test_a_failure_without_a_code_is_named_by_its_type() -> None:
    assert Failure.of(BadRequest("No.")) == Failure("invalid_request_error")


def test_a_failure_of_an_upstream_says_whose_it_is_and_why() -> None:
    error = Unreachable("LightOn", "No way.", cause="proxy", said="HTTP 502")
    assert Failure.of(error, in_stream=True) == Failure(
        "upstream_unreachable", "LightOn", "proxy", "HTTP 502", in_stream=True
    )


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({}, "ok"),
        ({"answer": answer_facts()}, "ok"),
        ({"answer": answer_facts(failed_searches=1)}, "ok"),
        ({"answer": answer_facts(cut_by="max_answer_chars")}, "cut"),
        (
            {"answer": answer_facts(cut_by="max_answer_chars"), "is_client_gone": True},
            "client_gone",
        ),
        ({"status": 0, "is_client_gone": True}, "client_gone"),
        ({"status": 503}, "error"),
        ({"failure": Failure("upstream_error", in_stream=True)}, "error"),
        ({"failure": Failure("upstream_error"), "is_client_gone": True}, "error"),
        ({"status": 0}, "unanswered"),
    ],
)
def test_the_outcome_of_a_request_is_one_word(facts: dict[str, Any], outcome: Outcome) -> None:
    assert request_facts(**facts).outcome == outcome
