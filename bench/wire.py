"""The bytes that the scripted upstream sends: HTTP replies and server-sent events."""

from __future__ import annotations

import functools
from typing import Any, Final

import orjson

from bench.script import ARGUMENT_WRITES, Script, search_results

SEARCH_TOOL: Final = "lighton_search"
_CREATED: Final = 1_767_225_600
_USAGE: Final = {"prompt_tokens": 2000, "completion_tokens": 100, "total_tokens": 2100}
_STREAM_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\n"
    b"content-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_HEAD_END: Final = b"\r\n\r\n"
_STREAM_END: Final = b"0\r\n\r\n"
_DONE: Final = b"data: [DONE]\n\n"


def json_reply(document: Any, status: str = "200 OK") -> bytes:
    """A whole reply, for one write."""
    body = orjson.dumps(document)
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + _HEAD_END + body


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
    return _completion(script, {"content": script.text, "tool_calls": []}, "stop")


@functools.lru_cache
def answer_writes(script: Script) -> tuple[bytes, ...]:
    """A streamed answer, a chunk a write. Headers go with the first, the end with the last."""
    deltas = [{"content": piece} for piece in script.pieces]
    return _writes(script, deltas, "stop")


def call(script: Script, query: str, number: int) -> bytes:
    """A search call that is not streamed."""
    function = {"name": SEARCH_TOOL, "arguments": _arguments(query)}
    tool_call = {"id": _call_id(number), "type": "function", "function": function}
    return _completion(script, {"content": None, "tool_calls": [tool_call]}, "tool_calls")


def call_writes(script: Script, query: str, number: int) -> tuple[bytes, ...]:
    """A streamed search call: its name, its arguments in parts, the finish_reason, usage."""
    head = {"name": SEARCH_TOOL, "arguments": ""}
    first = {"index": 0, "id": _call_id(number), "type": "function", "function": head}
    parts = [{"index": 0, "function": {"arguments": part}} for part in _parts(_arguments(query))]
    deltas = [{"tool_calls": [fragment]} for fragment in (first, *parts)]
    return _writes(script, deltas, "tool_calls")


def _arguments(query: str) -> str:
    return orjson.dumps({"query": query, "max_results": 5}).decode()


def _parts(text: str) -> list[str]:
    size = -(-len(text) // ARGUMENT_WRITES)
    return [text[start : start + size] for start in range(0, len(text), size)]


def _call_id(number: int) -> str:
    return f"chatcmpl-tool-{number:032x}"


def _completion(script: Script, message: dict[str, Any], finish_reason: str) -> bytes:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "reasoning_content": None, **message},
        "logprobs": None,
        "finish_reason": finish_reason,
        "stop_reason": None,
    }
    return json_reply(_document(script, "chat.completion", [choice]) | {"usage": _USAGE})


def _writes(script: Script, deltas: list[dict[str, Any]], finish_reason: str) -> tuple[bytes, ...]:
    first, *others = deltas
    choices = [
        _choice({"role": "assistant", **first}),
        *map(_choice, others),
        _choice({}) | {"finish_reason": finish_reason, "stop_reason": None},
    ]
    events = [_event(_document(script, "chat.completion.chunk", [choice])) for choice in choices]
    usage = _document(script, "chat.completion.chunk", []) | {"usage": _USAGE}
    head, *rest = map(_framed, events)
    return (_STREAM_HEAD + head, *rest, _framed(_event(usage)) + _framed(_DONE) + _STREAM_END)


def _choice(delta: dict[str, Any]) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}


def _document(script: Script, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-0123456789abcdef0123456789abcdef",
        "object": kind,
        "created": _CREATED,
        "model": script.model,
        "choices": choices,
    }


def _event(document: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\n\n"


def _framed(data: bytes) -> bytes:
    """A chunk of HTTP's chunked encoding."""
    return b"%x\r\n%s\r\n" % (len(data), data)
