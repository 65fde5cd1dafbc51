"""The bytes that the scripted upstream sends: HTTP replies and server-sent events."""

from __future__ import annotations

import functools
from typing import Any, Final

import orjson

from bench.script import ARGUMENT_WRITES, Script, search_results
from tests.support.script import DONE, SEARCH_TOOL, Call, Pieces, Round, event
from tests.upstreams.raw_server import chunk, chunked, reply

_CREATED: Final = 1_767_225_600
_USAGE: Final = {"prompt_tokens": 2000, "completion_tokens": 100, "total_tokens": 2100}
_STREAM_HEAD: Final = chunked(content_type="text/event-stream; charset=utf-8")
_STREAM_END: Final = chunk(DONE) + chunk(b"")


def json_reply(document: Any, status: str = "200 OK") -> bytes:
    """A whole reply, for one write."""
    return reply(orjson.dumps(document), "content-type: application/json", status=status)


def error_reply(message: str) -> bytes:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return json_reply({"error": error}, "400 Bad Request")


@functools.lru_cache
def search_reply() -> bytes:
    return json_reply(search_results())


@functools.lru_cache
def models_reply() -> bytes:
    model = {"id": "bench-103x5ms", "object": "model", "created": _CREATED, "owned_by": "bench"}
    return json_reply({"object": "list", "data": [model]})


@functools.lru_cache
def answer(script: Script) -> bytes:
    """An answer that is not streamed."""
    return json_reply(_answer(script).completion())


@functools.lru_cache
def answer_writes(script: Script) -> tuple[bytes, ...]:
    """A streamed answer, a chunk a write. Headers go with the first, the end with the last."""
    return _writes(_answer(script), lambda text: list(script.pieces) if text else [])


def call(script: Script, query: str, number: int) -> bytes:
    """A search call that is not streamed."""
    return json_reply(_call(script, query, number).completion())


def call_writes(script: Script, query: str, number: int) -> tuple[bytes, ...]:
    """A streamed search call: its name, its arguments in parts, the finish_reason, usage."""
    return _writes(_call(script, query, number), _parts)


def _answer(script: Script) -> Round:
    return Round(script.text, usage=_USAGE, top=_top(script))


def _call(script: Script, query: str, number: int) -> Round:
    arguments = orjson.dumps({"query": query, "max_results": 5}).decode()
    search = Call(SEARCH_TOOL, arguments, f"chatcmpl-tool-{number:032x}")
    return Round(calls=(search,), finish_reason="tool_calls", usage=_USAGE, top=_top(script))


def _top(script: Script) -> dict[str, Any]:
    identity = "chatcmpl-0123456789abcdef0123456789abcdef"
    return {"id": identity, "created": _CREATED, "model": script.model}


def _parts(text: str) -> list[str]:
    size = -(-len(text) // ARGUMENT_WRITES) or 1
    return [text[start : start + size] for start in range(0, len(text), size)]


def _writes(said: Round, pieces: Pieces) -> tuple[bytes, ...]:
    events = [event(each) for each in said.chunks(pieces, role_apart=False)]
    head, *rest, last = map(chunk, events)
    return (_STREAM_HEAD + head, *rest, last + _STREAM_END)
