"""What any answer must be, by the request it answers: whole, and by the rules of its API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import orjson

from tests.fuzz.events import read_plainly
from tests.support.openai_responses import check_event, check_order, check_response, fold
from tests.support.openai_schema import check_completion, check_error
from tests.support.openai_stream import check_stream

CHAT: Final = "/v1/chat/completions"
RESPONSES: Final = "/v1/responses"
_ECHO: Final[Mapping[str, Any]] = {
    "tools": [],
    "tool_choice": "auto",
    "text": None,
    "reasoning": None,
}
"""What a response repeats of its request, also fields that no type names, and what may stand there.
"""


def check_answer(path: str, asked: bytes, status: int, body: bytes) -> None:
    """Check the answer to a POST: an error that says why, or what was asked for, to its end."""
    if status >= 400:
        check_error(orjson.loads(body))
    elif path == CHAT:
        _check_chat(json.loads(asked), body)
    elif path == RESPONSES:
        response_in(json.loads(asked), body)


def _check_chat(asked: Mapping[str, Any], body: bytes) -> None:
    if asked.get("stream"):
        options = asked.get("stream_options") or {}
        check_stream(body, include_usage=bool(options.get("include_usage")))
    else:
        check_completion(orjson.loads(body))


def response_in(asked: Mapping[str, Any], body: bytes) -> dict[str, Any]:
    """The response that a reply is or, if it is a stream, ends with. Checks all of it."""
    if not asked.get("stream"):
        response: dict[str, Any] = orjson.loads(body)
        check_response({**response, **_ECHO})
        return response
    events = [_without_echo(orjson.loads(each.data)) for each in read_plainly(body)]
    assert body.endswith(b"\n\n"), f"the stream ends within an event: {body[-200:]!r}"
    for each in events:
        check_event(each)
    check_order(events)
    response = events[-1]["response"]
    assert fold(events) == response
    return response


def _without_echo(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "response": {**event["response"], **_ECHO}} if "response" in event else event
