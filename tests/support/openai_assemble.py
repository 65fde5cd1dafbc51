"""What a client holds after an answer, streamed or not, so that the two can be compared.

Two readings of a stream: one by hand, as a small client does it, and one by openai-python's own
accumulator. Both know nothing of the proxy's code. An empty text counts as no text: a client
cannot tell a heartbeat from an answer that is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

TEXTS = ("content", "reasoning_content", "refusal")


def assemble(chunks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Build from chunks what a client builds; the keys are those of `assemble_reply`."""
    heard = _nothing()
    calls: list[dict[str, Any]] = []
    for chunk in chunks:
        for key in ("id", "created", "model", "usage", "lighton"):
            if chunk.get(key) is not None:
                heard[key] = chunk[key]
        for choice in chunk["choices"]:
            _hear(heard, calls, choice["delta"])
            heard["finish_reason"] = choice["finish_reason"] or heard["finish_reason"]
            _hear_logprobs(heard, choice.get("logprobs"))
    heard["tool_calls"] = calls
    return heard


def assemble_reply(body: Mapping[str, Any]) -> dict[str, Any]:
    """Read the same things out of a plain reply."""
    choice = body["choices"][0]
    message = choice["message"]
    heard = _nothing() | {"finish_reason": choice["finish_reason"]}
    heard["logprobs"] = choice.get("logprobs")
    for key in ("id", "created", "model", "usage", "lighton"):
        heard[key] = body.get(key)
    for key in TEXTS:
        heard[key] = message.get(key) or None
    heard["role"] = message["role"]
    heard["annotations"] = message.get("annotations") or []
    heard["tool_calls"] = [
        {"id": call["id"], **_function(call)} for call in message.get("tool_calls") or []
    ]
    return heard


def assemble_with_sdk(chunks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Build the same by openai-python's accumulator, which also fails where the SDK would fail.

    The accumulator drops unknown top-level keys of later chunks, so `lighton` is always None. The
    snapshot is read, as `get_final_completion` raises for the finish_reasons length and
    content_filter by intent.
    """
    state: ChatCompletionStreamState[Any] = ChatCompletionStreamState()
    for chunk in chunks:
        state.handle_chunk(ChatCompletionChunk.construct(**chunk))
    return assemble_reply(state.current_completion_snapshot.to_dict()) | {"lighton": None}


def _nothing() -> dict[str, Any]:
    heard: dict[str, Any] = dict.fromkeys(("id", "created", "model", "role", *TEXTS))
    heard |= {"tool_calls": [], "annotations": []}
    return heard | dict.fromkeys(("finish_reason", "logprobs", "usage", "lighton"))


def _hear(heard: dict[str, Any], calls: list[dict[str, Any]], delta: Mapping[str, Any]) -> None:
    if "role" in delta:
        heard["role"] = (heard["role"] or "") + delta["role"]
    for key in TEXTS:
        if delta.get(key):
            heard[key] = (heard[key] or "") + delta[key]
    heard["annotations"] = [*heard["annotations"], *(delta.get("annotations") or [])]
    for fragment in delta.get("tool_calls") or []:
        if fragment["index"] == len(calls):
            calls.append({"id": "", "name": "", "arguments": ""})
        call = calls[fragment["index"]]
        call["id"] += fragment.get("id", "")
        for key, value in _function(fragment).items():
            call[key] += value


def _hear_logprobs(heard: dict[str, Any], logprobs: Mapping[str, Any] | None) -> None:
    for key, tokens in (logprobs or {}).items():
        if tokens is not None:
            heard["logprobs"] = heard["logprobs"] or {"content": None, "refusal": None}
            heard["logprobs"][key] = [*(heard["logprobs"][key] or []), *tokens]


def _function(call: Mapping[str, Any]) -> dict[str, str]:
    function = call.get("function", {})
    return {key: function.get(key, "") for key in ("name", "arguments")}
