from __future__ import annotations

from typing import Any

import pytest

from proxy.core.responses.objects import Facts, response_object
from proxy.errors import (
    AnswerTimeout,
    BadRequest,
    Overloaded,
    ProxyError,
    QuotaExceeded,
    UpstreamRejected,
)
from tests.core.responses.scripts import ECHO
from tests.support.openai_responses import check_response


def facts(**known: Any) -> Facts:
    return Facts("resp_1", 9, "served", ECHO, **known)


def test_the_fields_stand_in_openais_order_and_extras_behind() -> None:
    echo = {"user": "u", "tools": [], "odd": 1, "background": False}
    known = Facts("resp_1", 9, "served", echo, extras={"lighton": {}})
    assert list(response_object(known, "in_progress", [])) == [
        "id",
        "object",
        "created_at",
        "status",
        "background",
        "completed_at",
        "error",
        "incomplete_details",
        "model",
        "output",
        "tools",
        "usage",
        "user",
        "odd",
        "lighton",
    ]


def test_the_request_cannot_set_what_the_answer_says() -> None:
    known = Facts("resp_1", 9, "served", {**ECHO, "id": "x", "status": "x", "model": "x"})
    told = response_object(known, "in_progress", [])
    assert (told["id"], told["status"], told["model"]) == ("resp_1", "in_progress", "served")


@pytest.mark.parametrize(
    ("finish_reason", "ended", "reason"),
    [
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        (None, "completed", None),
        ("length", "incomplete", {"reason": "max_output_tokens"}),
        ("content_filter", "incomplete", {"reason": "content_filter"}),
    ],
)
def test_the_finish_reason_says_how_it_ended(finish_reason: Any, ended: str, reason: Any) -> None:
    known = facts(finish_reason=finish_reason, completed=11)
    assert known.ended == ended
    told = response_object(known, known.ended, [])
    assert told["incomplete_details"] == reason
    assert told["completed_at"] == (11 if ended == "completed" else None)
    check_response(told)


def test_usage_has_all_counts_under_their_names_here() -> None:
    usage: Any = {
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "total_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 2, "other": None},
    }
    assert response_object(facts(usage=usage), "completed", [])["usage"] == {
        "input_tokens": 3,
        "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 1},
        "output_tokens": 4,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 7,
    }


def test_usage_without_details_counts_nothing_there() -> None:
    told = response_object(facts(usage={"prompt_tokens_details": None}), "completed", [])
    assert told["usage"]
    assert told["usage"]["input_tokens_details"]["cached_tokens"] == 0
    assert told["usage"]["output_tokens_details"]["reasoning_tokens"] == 0
    assert response_object(facts(), "in_progress", [])["usage"] is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (QuotaExceeded("No more."), "rate_limit_exceeded"),
        (UpstreamRejected("Scaleway", "Too long."), "invalid_prompt"),
        (BadRequest("No.", param="input"), "invalid_prompt"),
        (Overloaded("Scaleway", "Busy."), "server_error"),
        (AnswerTimeout("Late."), "server_error"),
    ],
)
def test_an_error_has_one_of_openais_codes(error: ProxyError, code: str) -> None:
    known = facts(error=error, finish_reason="length")
    assert known.ended == "failed"
    told = response_object(known, "failed", [])
    assert told["error"] == {
        "code": code,
        "message": error.message,
        "type": error.type,
        "param": error.param,
    }
    assert told["incomplete_details"] is None
    check_response(told)
