"""The facts of a request as one line of the log: words, and `name=value` for each fact."""

from __future__ import annotations

import re
from typing import Final

from proxy.telemetry.facts import AnswerFacts, Failure, RequestFacts

_LONGEST_WORD: Final = 200
_PLAIN_WORD: Final = re.compile(r"[\w./:@+-]*", re.ASCII)
_SENTENCES: Final = frozenset({"said"})
"""The facts that are sentences, not words."""


def log_line(facts: RequestFacts) -> str:
    """`facts` as one line, whatever a client or an upstream wrote into them. It leaves out "".

    The facts stand in the order in which the proxy learned them. If searches failed and then the
    request did, `cause` is that of the request.
    """
    answer, failure = facts.answer, facts.failure
    words: dict[str, str | int] = {
        "status": facts.status,
        "ms": round(facts.took_s * 1000),
        "id": facts.request_id,
        "from": facts.address,
        "key": facts.client.name,
        "person": facts.person,
    }
    if failure and failure.in_stream:
        words |= _of_failure(failure)
    if answer:
        words |= _of_answer(answer)
    if failure:
        words |= _of_failure(failure)
    if facts.is_client_gone:
        words["client"] = "stalled" if facts.is_client_stalled else "gone"
    written = [
        f"{name}={_written(name, value) if isinstance(value, str) else value}"
        for name, value in words.items()
        if value != ""
    ]
    return f"{facts.method} {_word(facts.path)} {' '.join(written)}"


def _of_answer(answer: AnswerFacts) -> dict[str, str | int]:
    words: dict[str, str | int] = {
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
        words["retries"] = len(timeline.retries)
        words["retry_causes"] = ",".join(dict.fromkeys(timeline.retry_causes))
    if queued_ms := round(timeline.queued_s * 1000):
        words["queued_ms"] = queued_ms
    if answer.failed_searches:
        words["failed_searches"] = answer.failed_searches
        words["cause"] = ",".join(answer.search_causes)
    return words


def _of_failure(failure: Failure) -> dict[str, str]:
    words = {"error": failure.error, "upstream": failure.upstream}
    words |= {"cause": failure.cause, "said": failure.said}
    return {name: word for name, word in words.items() if word}


def _written(name: str, value: str) -> str:
    return _quoted(value) if name in _SENTENCES else _word(value)


def _quoted(text: str) -> str:
    """A sentence as one value of the log line, whatever an upstream wrote into it."""
    escaped = text.encode("unicode_escape").decode().replace('"', r"\"")
    return f'"{escaped}"'


def _word(text: str) -> str:
    """`text` as one word of the log line, whatever a client wrote into it."""
    text = text[:_LONGEST_WORD]
    if _PLAIN_WORD.fullmatch(text):
        return text
    return text.encode("unicode_escape").decode().replace(" ", r"\x20")
