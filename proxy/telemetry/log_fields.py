"""The facts of a request as the fields of its log line. Both forms of the log show these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proxy.telemetry.facts import AnswerFacts, Failure, RequestFacts

Fields = Mapping[str, str | int]

LONGEST_WORD: Final = 200
"""The most characters of a field that is a word."""
SENTENCES: Final = frozenset({"said"})
"""The fields that are sentences, not words."""


def log_fields(facts: RequestFacts) -> Fields:
    """The fields that say something, in the order in which the proxy learned them.

    If searches failed and then the request did, `cause` is that of the request.
    """
    answer, failure = facts.answer, facts.failure
    fields: dict[str, str | int] = {
        "method": facts.method,
        "path": facts.path,
        "status": facts.status,
        "ms": round(facts.took_s * 1000),
        "id": facts.request_id,
        "from": facts.address,
        "key": facts.client.name,
        "person": facts.person,
    }
    if failure and failure.in_stream:
        fields |= _of_failure(failure)
    if answer:
        fields |= _of_answer(answer)
    if (first_s := facts.first_token_s) is not None:
        fields["first_token_ms"] = round(first_s * 1000)
    if failure:
        fields |= _of_failure(failure)
    if facts.is_client_gone:
        fields["client"] = "stalled" if facts.is_client_stalled else "gone"
    return {name: _bounded(name, value) for name, value in fields.items() if value != ""}


def _bounded(name: str, value: str | int) -> str | int:
    is_word = isinstance(value, str) and name not in SENTENCES
    return value[:LONGEST_WORD] if isinstance(value, str) and is_word else value


def _of_answer(answer: AnswerFacts) -> dict[str, str | int]:
    fields: dict[str, str | int] = {
        "model": answer.model,
        "answered_by": answer.answered_by,
        "fallback": answer.fallback_from,
        "stream": answer.stream,
        "rounds": answer.rounds,
        "searches": answer.searches,
        "tokens": answer.tokens,
        "cut_by": answer.cut_by,
    }
    timeline = answer.timeline
    if timeline.retries:
        fields["retries"] = len(timeline.retries)
        fields["retry_causes"] = ",".join(dict.fromkeys(timeline.retry_causes))
    if queued_ms := round(timeline.queued_s * 1000):
        fields["queued_ms"] = queued_ms
    if answer.failed_searches:
        fields["failed_searches"] = answer.failed_searches
        fields["cause"] = ",".join(answer.search_causes)
    return fields


def _of_failure(failure: Failure) -> dict[str, str]:
    fields = {"error": failure.error, "upstream": failure.upstream}
    fields |= {"cause": failure.cause, "said": failure.said}
    return {name: value for name, value in fields.items() if value}
