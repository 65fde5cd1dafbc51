"""One answer as a line of the usage file: what it took, and not a word of what was said."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson

from proxy.telemetry.facts import AnswerFacts, Failure, RequestFacts
from proxy.telemetry.prices import Prices, Tokens
from proxy.telemetry.times import time_of

MOST_FILES: Final = 100
"""The most files that a line names."""
_NO_ANSWER: Final = AnswerFacts("", "", stream=False, rounds=0, searches=0, tokens=0)
_NO_FAILURE: Final = Failure("")

Value = str | int | float | bool | list[int] | None


@dataclass(frozen=True, slots=True)
class UsageRecords:
    """Writes lines. It knows the prices, and which names are those of profiles."""

    prices: Prices
    profiles: Container[str]
    default_model: str

    def line(self, facts: RequestFacts, now: datetime) -> bytes:
        """The line of a request that is over `now`, with its line end."""
        return orjson.dumps(self.record(facts, now), option=orjson.OPT_APPEND_NEWLINE)

    def record(self, facts: RequestFacts, now: datetime) -> dict[str, Value]:
        answer = facts.answer or _NO_ANSWER
        failure = facts.failure or _NO_FAILURE
        tokens = Tokens(
            answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens, answer.tokens
        )
        of_tokens = self.prices.of_tokens(answer.answered_by or answer.upstream_model, tokens)
        searches = answer.searches - answer.reads
        failed = answer.failed_searches - answer.failed_reads
        of_searches = self.prices.of_searches(searches - failed)
        has_price = of_tokens is not None and of_searches is not None
        return {
            "time": time_of(now),
            "request_id": facts.request_id,
            "key": facts.client.name,
            "key_id": facts.client.id,
            "person": facts.person,
            "route": facts.route,
            "profile": profile_of(facts, self.profiles, self.default_model),
            "model": answer.model,
            "answered_by": answer.answered_by,
            "retrieval": answer.retrieval,
            "stream": answer.stream,
            "rounds": answer.rounds,
            "uncounted_rounds": answer.uncounted_rounds,
            "searches": searches,
            "failed_searches": failed,
            "reads": answer.reads,
            "retries": len(answer.timeline.retries),
            "queued_ms": _ms(answer.timeline.queued_s),
            "cited": len(answer.cited),
            "cited_files": _files(answer),
            "tokens_in": tokens.input,
            "tokens_out": tokens.output,
            "tokens_cached": tokens.cached,
            "tokens": tokens.total,
            "estimated_tokens": answer.estimated_tokens,
            "ms_first": _ms(_first_s(facts, answer)),
            "ms": _ms(facts.took_s),
            "outcome": facts.outcome,
            "status": facts.status,
            "error": failure.error,
            "upstream": failure.upstream,
            "cause": failure.cause or ",".join(answer.search_causes),
            "cut_by": answer.cut_by,
            "cost_tokens": of_tokens,
            "cost_searches": of_searches,
            "cost": round((of_tokens or 0) + (of_searches or 0), 9) if has_price else None,
        }


def profile_of(facts: RequestFacts, profiles: Container[str], default_model: str) -> str:
    """The profile that a request named, or got by default; "" if it was a model, or neither."""
    if facts.answer is None or not facts.answer.has_model:
        return ""
    named = facts.answer.model or default_model
    return named if named in profiles else ""


def _files(answer: AnswerFacts) -> list[int]:
    known = (each for each in answer.cited if each is not None)
    return list(dict.fromkeys(known))[:MOST_FILES]


def _first_s(facts: RequestFacts, answer: AnswerFacts) -> float | None:
    """A plain reply comes whole: its first token is its first byte, unless it is an error."""
    if answer.stream or facts.outcome not in ("ok", "cut"):
        return facts.first_token_s
    return facts.first_byte_s


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
