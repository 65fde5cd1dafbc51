"""The sequential loop of LightOn's guides, as a script: ask the model, run its search, ask again.

It does not stream the first request, and starts nothing before the step before has ended. It asks
the upstreams directly, so no gateway costs it anything.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

import orjson

from bench.checks import Expected, WrongReplyError, check_stream
from bench.client import ask_once
from bench.exchange import MalformedReplyError, read_reply
from bench.script import Script, question
from bench.subjects import post
from tests.support.script import SEARCH_TOOL

_CHAT: Final = "/v1/chat/completions"
_TOOL: Final = {
    "type": "function",
    "function": {
        "name": SEARCH_TOOL,
        "description": "Search the organisation's documents.",
        "parameters": {
            "type": "object",
            "properties": {
                "query": {"type": "string"},
                "max_results": {"type": "integer", "minimum": 1, "maximum": 50},
            },
            "required": ["query"],
        },
    },
}
_PATIENCE_S: Final = 30.0


def first_token_s(port: int, script: Script, numbers: Iterator[int]) -> float:
    """Seconds until the first token of an answer. Raises WrongReplyError and OSError."""
    begun = time.monotonic()
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": question(script, next(numbers))},
    ]
    request: dict[str, Any] = {"model": script.model, "tools": [_TOOL]}
    said = _json(port, _CHAT, request | {"messages": messages})["choices"][0]["message"]
    messages.append(said)
    for call in said["tool_calls"]:
        arguments = orjson.loads(call["function"]["arguments"])
        found = _json(port, "/api/v3/search", arguments)
        messages.append(
            {"role": "tool", "tool_call_id": call["id"], "content": _passages(found["results"])}
        )
    last = post(port, _CHAT, request | {"messages": messages, "stream": True})
    exchange = ask_once(port, last, timeout_s=_PATIENCE_S)
    timing = check_stream(exchange, Expected(script, cited=False))
    return exchange.sent_at + timing.first_s - begun


def _json(port: int, path: str, body: Any) -> Any:
    exchange = ask_once(port, post(port, path, body), timeout_s=_PATIENCE_S)
    try:
        return orjson.loads(read_reply(exchange).body)
    except (MalformedReplyError, orjson.JSONDecodeError) as fault:
        raise WrongReplyError(str(fault)) from fault


def _passages(results: list[dict[str, Any]]) -> str:
    """The passages in the layout of the guides."""
    return "\n\n".join(
        f"[{each['source']['filename']}, p.{each['source']['page_start']}]\n{each['content']}"
        for each in results
    )
