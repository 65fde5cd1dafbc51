"""A completion cut into the chunks of a stream, in the order and with the oddities of vLLM's."""

from collections.abc import Iterator

import orjson

from proxy.sandbox.scaleway import tokens
from proxy.sandbox.scaleway.reply import Completion, Json, ToolCall, logprobs, usage

DONE = b"data: [DONE]\n\n"

_FRAGMENT = 12
"""Characters of a call's arguments in one chunk."""


def frame(event: object) -> bytes:
    return b"data: " + orjson.dumps(event) + b"\n\n"


def frames(completion: Completion, *, include_usage: bool) -> Iterator[bytes]:
    """Yield the whole stream as SSE frames, `[DONE]` last."""
    for chunk in chunks(completion, include_usage=include_usage):
        yield frame(chunk)
    yield DONE


def chunks(completion: Completion, *, include_usage: bool) -> Iterator[Json]:
    """Yield the chunks: role, an empty one, reasoning, text, calls, finish and, if asked, usage."""
    yield _chunk(completion, {"role": "assistant", "content": "", "reasoning_content": None})
    yield _bare(completion)
    if completion.served.reasoning_field:
        for piece in tokens.pieces(completion.reasoning):
            yield _chunk(completion, {completion.served.reasoning_field: piece})
    for piece in tokens.pieces(completion.content):
        yield _chunk(completion, {"content": piece}, piece)
    for index, call in enumerate(completion.calls):
        for delta in _call_deltas(index, call):
            yield _chunk(completion, {"tool_calls": [delta]})
    yield _final(completion)
    if include_usage:
        yield {**_bare(completion), "usage": usage(completion)}


def _bare(completion: Completion) -> Json:
    return {
        "id": completion.id,
        "object": "chat.completion.chunk",
        "created": completion.created,
        "model": completion.served.id,
        "choices": [],
    }


def _chunk(completion: Completion, delta: Json, text: str = "") -> Json:
    choice = {
        "index": 0,
        "delta": delta,
        "logprobs": logprobs(completion, text) if text else None,
        "finish_reason": None,
        "token_ids": None,
    }
    return {**_bare(completion), "choices": [choice]}


def _final(completion: Completion) -> Json:
    chunk = _chunk(completion, {"content": "", "reasoning_content": None})
    ending = {"finish_reason": completion.finish_reason, "stop_reason": completion.stop_reason}
    chunk["choices"][0].update(ending)
    return chunk


def _call_deltas(index: int, call: ToolCall) -> Iterator[Json]:
    """Yield id and name first, then the arguments piece by piece."""
    yield {
        "index": index,
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": ""},
    }
    for start in range(0, len(call.arguments), _FRAGMENT):
        fragment = call.arguments[start : start + _FRAGMENT]
        yield {"index": index, "function": {"arguments": fragment}}
