"""The response object, at any point of its life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast

from proxy.core.responses.wire import (
    IncompleteDetails,
    OutputItem,
    ResponseError,
    ResponseObject,
    ResponseUsage,
)
from proxy.core.wire import Usage
from proxy.errors import ProxyError

Ended = Literal["completed", "incomplete", "failed"]

_ORDER: Final = (
    "id",
    "object",
    "created_at",
    "status",
    "background",
    "completed_at",
    "error",
    "incomplete_details",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "model",
    "output",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "usage",
    "user",
    "metadata",
)
"""OpenAI's. People look for the fields in it."""

_REASONS: Final[Mapping[str, IncompleteDetails]] = {
    "length": {"reason": "max_output_tokens"},
    "content_filter": {"reason": "content_filter"},
}
_TOO_MANY: Final = 429
_SERVERS_FAULT: Final = 500


@dataclass(slots=True)
class Facts:
    """What is known of a response so far, beside its output."""

    id: str
    created: int
    """Seconds since 1970, as `completed`."""
    model: str
    echo: Mapping[str, object]
    """The fields of the request that the object repeats."""
    finish_reason: str | None = None
    usage: Usage | None = None
    error: ProxyError | None = None
    completed: int | None = None
    extras: Mapping[str, object] | None = None
    """Top-level keys that OpenAI's object has not."""

    @property
    def ended(self) -> Ended:
        """How it has ended, once it has."""
        if self.error is not None:
            return "failed"
        return "incomplete" if self.finish_reason in _REASONS else "completed"


def response_object(
    facts: Facts, status: Literal["in_progress"] | Ended, output: list[OutputItem]
) -> ResponseObject:
    """The object with all fields of OpenAI's that are known, in its order."""
    fields = {
        **facts.echo,
        "id": facts.id,
        "object": "response",
        "created_at": facts.created,
        "status": status,
        "completed_at": facts.completed if status == "completed" else None,
        "error": _error(facts.error) if status == "failed" and facts.error else None,
        "incomplete_details": _reason(facts) if status == "incomplete" else None,
        "model": facts.model,
        "output": output,
        "usage": None if facts.usage is None else _usage(facts.usage),
    }
    ordered = {name: fields.pop(name) for name in _ORDER if name in fields}
    return cast("ResponseObject", {**ordered, **fields, **(facts.extras or {})})


def _reason(facts: Facts) -> IncompleteDetails | None:
    return _REASONS.get(facts.finish_reason or "")


def _usage(usage: Usage) -> ResponseUsage:
    cached = _count(usage, "prompt_tokens_details", "cached_tokens")
    return {
        "input_tokens": usage.get("prompt_tokens", 0),
        "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": cached},
        "output_tokens": usage.get("completion_tokens", 0),
        "output_tokens_details": {
            "reasoning_tokens": _count(usage, "completion_tokens_details", "reasoning_tokens")
        },
        "total_tokens": usage.get("total_tokens", 0),
    }


def _count(usage: Mapping[str, object], group: str, name: str) -> int:
    details = usage.get(group)
    count = details.get(name) if isinstance(details, dict) else None
    return count if isinstance(count, int) else 0


def _error(error: ProxyError) -> ResponseError:
    """The error with a code of OpenAI's: its SDKs know no others.

    Codex asks again after all of these except `invalid_prompt`.
    """
    if error.status == _TOO_MANY:
        code = "rate_limit_exceeded"
    else:
        code = "server_error" if error.status >= _SERVERS_FAULT else "invalid_prompt"
    return {"code": code, "message": error.message, "type": error.type, "param": error.param}
