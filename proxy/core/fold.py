"""The fold joins the chunks of a stream into the one reply that a plain client gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from proxy.core.frames import TextChunk
from proxy.core.listener import Unconcerned
from proxy.core.wire import (
    Choice,
    Chunk,
    Completion,
    Delta,
    Fragment,
    Function,
    Logprobs,
    MessageCall,
    Usage,
)

_CHUNK_ONLY: Final = frozenset({"choices", "object", "usage"})
_TO_BE_JOINED: Final = frozenset({"delta", "logprobs"})
_TEXTS: Final = frozenset({"content", "reasoning_content", "refusal"})


class Fold(Unconcerned):
    """Gathers the chunks of one completion."""

    def __init__(self) -> None:
        self._top: dict[str, object] = {}
        self._choice: dict[str, object] = {"index": 0}
        self._message: dict[str, object] = {}
        self._texts: dict[str, list[str]] = {}
        self._calls: dict[int, Fragment] = {}
        """The first fragment of each call."""
        self._arguments: dict[int, list[str]] = {}
        self._logprobs: dict[str, list[object] | None] = {}
        self._usage: Usage = {}

    def hear(self, chunks: Sequence[Chunk | TextChunk]) -> None:
        """Add chunks. A fold never falls behind."""
        for chunk in chunks:
            self.add(chunk.whole() if isinstance(chunk, TextChunk) else chunk)

    def add(self, chunk: Chunk) -> None:
        self._top.update({k: v for k, v in chunk.items() if k not in _CHUNK_ONLY})
        self._usage = chunk.get("usage") or self._usage
        for choice in chunk["choices"]:
            self._add_choice(choice)

    def completion(self) -> Completion:
        """The `chat.completion` object of all chunks added so far."""
        message: dict[str, object] = {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "annotations": [],
            **self._message,
            **{name: "".join(pieces) for name, pieces in self._texts.items()},
        }
        if self._calls:
            message["tool_calls"] = [self._call(index) for index in sorted(self._calls)]
        choice = {**self._choice, "message": message, "logprobs": self._logprobs or None}
        # OpenAI's documentation lists the fields in this order, so people look for them in it.
        order = {"id": None, "object": None, "created": None, "model": None}
        reply = {
            **order,
            "choices": [choice],
            "usage": self._usage,
            **self._top,
            "object": "chat.completion",
        }
        return cast("Completion", reply)

    def _add_choice(self, choice: Choice) -> None:
        for name, value in choice.items():
            if name not in _TO_BE_JOINED and (value is not None or name not in self._choice):
                self._choice[name] = value
        self._add_delta(choice.get("delta") or {})
        self._add_logprobs(choice.get("logprobs") or {})

    def _add_delta(self, delta: Delta) -> None:
        for name, value in delta.items():
            if isinstance(value, str) and name in _TEXTS:
                self._texts.setdefault(name, []).append(value)
            elif name != "tool_calls":
                self._message[name] = value
        for fragment in delta.get("tool_calls") or ():
            self._add_fragment(fragment)

    def _add_fragment(self, fragment: Fragment) -> None:
        index = fragment["index"]
        if index not in self._calls:
            self._calls[index] = fragment
            self._arguments[index] = []
        self._arguments[index].append(fragment["function"]["arguments"])

    def _add_logprobs(self, logprobs: Logprobs) -> None:
        for name, tokens in logprobs.items():
            known = self._logprobs.setdefault(name, None)
            if not isinstance(tokens, list):
                continue
            if known is None:
                self._logprobs[name] = list(tokens)
            else:
                known.extend(tokens)

    def _call(self, index: int) -> MessageCall:
        call = self._calls[index]
        arguments = "".join(self._arguments[index])
        function: Function = {"name": call["function"]["name"], "arguments": arguments}
        return {"id": call["id"], "type": "function", "function": function}
