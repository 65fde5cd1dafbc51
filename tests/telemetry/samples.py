"""A request that was answered, and what else may become of it."""

from __future__ import annotations

from typing import Any

from proxy.access.clients import ANYBODY
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
