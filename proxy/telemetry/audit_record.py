"""One answer as a line of the audit file: who asked, what was searched, and what was shown."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from proxy.telemetry.audit_file import AuditFile
from proxy.telemetry.facts import AnswerFacts, Failure, RequestFacts
from proxy.telemetry.json_line import json_line
from proxy.telemetry.times import time_of, utc_now
from proxy.telemetry.trail import Asked, Document, Trail
from proxy.telemetry.usage_record import profile_of

LONGEST_TEXT: Final = 1_000_000
"""The most characters of a question or an answer in a line."""
_NO_ANSWER: Final = AnswerFacts("", "", stream=False, rounds=0, searches=0, tokens=0)
_NO_FAILURE: Final = Failure("")


@dataclass(frozen=True, slots=True)
class AuditRecords:
    """Writes records. It knows which names are those of profiles."""

    profiles: Container[str]
    default_model: str
    has_texts: bool = False
    """Whether records hold questions and answers."""

    def record(self, facts: RequestFacts, now: datetime) -> bytes:
        """A request that is over `now`, as JSON without a line end."""
        return json_line({**self._of_request(facts, now), **self._of_trail(facts.trail)})

    def _of_request(self, facts: RequestFacts, now: datetime) -> dict[str, Any]:
        answer = facts.answer or _NO_ANSWER
        failure = facts.failure or _NO_FAILURE
        return {
            "time": time_of(now),
            "request_id": facts.request_id,
            "key": facts.client.name,
            "key_id": facts.client.id,
            "person": facts.person,
            "address": facts.address,
            "profile": profile_of(facts, self.profiles, self.default_model),
            "model": answer.model,
            "answered_by": answer.answered_by,
            "retrieval": answer.retrieval,
            "outcome": facts.outcome,
            "status": facts.status,
            "error": failure.error,
            "cut_by": answer.cut_by,
        }

    def _of_trail(self, trail: Trail | None) -> dict[str, Any]:
        if trail is None:
            return {"scope": None, "queries": [], "shown": [], "cited": []}
        told: dict[str, Any] = {
            "scope": dict(trail.scope),
            "queries": [_query(each) for each in trail.asked],
            "shown": _documents(trail.shown),
            "cited": _documents(trail.cited),
        }
        if self.has_texts:
            told["question"] = trail.question[:LONGEST_TEXT]
            told["answer"] = trail.answer[:LONGEST_TEXT]
        return told


class Audit:
    """Notes each answer in the audit file."""

    def __init__(
        self, file: AuditFile, records: AuditRecords, now: Callable[[], datetime] = utc_now
    ) -> None:
        self.file = file
        self._records = records
        self._now = now

    def note(self, facts: RequestFacts) -> None:
        self.file.append(self._records.record(facts, self._now()))


def _query(asked: Asked) -> dict[str, object]:
    outcome = "unfinished"
    if asked.has_ended:
        outcome = "failed" if asked.cause else "ok"
    told = {"tool": asked.tool, **asked.what, "outcome": outcome}
    return {**told, "cause": asked.cause} if asked.cause else told


def _documents(documents: Sequence[Document]) -> list[dict[str, object]]:
    return [
        {"file_id": each.file_id, "title": each.title, "pages": list(each.pages)}
        for each in documents
    ]
