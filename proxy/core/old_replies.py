"""Replies for old clients, which know a `function_call` instead of tool calls.

Such a client takes at most one call a turn, so each chunk and each message has one place for it.
"""

from __future__ import annotations

from typing import cast

from proxy.core.frames import TextChunk
from proxy.core.wire import Choice, Chunk, Completion, CompletionMessage, Delta, Function


def old_chunk(chunk: Chunk | TextChunk) -> Chunk | TextChunk:
    """The chunk with a function call in place of a tool call, and of the reason that tells it."""
    if isinstance(chunk, TextChunk):
        return chunk
    return {**chunk, "choices": [_old_choice(each) for each in chunk["choices"]]}


def _old_choice(choice: Choice) -> Choice:
    old: Choice = {**choice, "delta": _old_delta(choice["delta"])}
    if choice.get("finish_reason") == "tool_calls":
        old["finish_reason"] = "function_call"
    return old


def _old_delta(delta: Delta) -> Delta:
    fragments = delta.get("tool_calls")
    if not fragments:
        return delta
    old = delta.copy()
    del old["tool_calls"]
    call: Function = {"arguments": ""}
    for fragment in fragments:
        function = fragment["function"]
        call = {**call, **function, "arguments": call["arguments"] + function["arguments"]}
    old["function_call"] = call
    return old


def old_completion(completion: Completion) -> Completion:
    """A whole reply in the old form."""
    (choice,) = completion["choices"]
    message = cast("CompletionMessage", dict(choice["message"]))
    calls = message.pop("tool_calls", None)
    if calls:
        message["function_call"] = calls[0]["function"]
    old = {**choice, "message": message}
    if choice.get("finish_reason") == "tool_calls":
        old["finish_reason"] = "function_call"
    return cast("Completion", {**completion, "choices": [old]})
