"""A request that was answered, and what else may become of it."""

from __future__ import annotations

from typing import Any

from proxy.access.clients import ANYBODY
from proxy.core.timeline import Retry, Timeline, Wait
from proxy.telemetry.facts import AnswerFacts, RequestFacts


def request_facts(**changes: Any) -> RequestFacts:
    given: dict[str, Any] = {
        "request_id": "id1",
        "method": "POST",
        "path": "/v1/chat/completions",
        "route": "/chat/completions",
        "address": "127.0.0.1",
        "client": ANYBODY,
        "status": 200,
        "took_s": 0.0414,
    }
    return RequestFacts(**{**given, **changes})


def timeline(*causes: str, queued_s: float = 0.0, heard_s: float | None = None) -> Timeline:
    """One with a retry for each of `causes`."""
    return Timeline(
        began=100.0,
        waits=[Wait(100.0, is_first=True, ended=100.0 + queued_s)],
        retries=[Retry(100.0, "LightOn", cause, 0.1) for cause in causes],
        first_heard_at=None if heard_s is None else 100.0 + heard_s,
    )


def answer_facts(**changes: Any) -> AnswerFacts:
    given: dict[str, Any] = {
        "model": "hr",
        "answered_by": "llama",
        "stream": True,
        "rounds": 2,
        "searches": 3,
        "tokens": 120,
    }
    return AnswerFacts(**{**given, **changes})
