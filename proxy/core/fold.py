"""The fold: what a client without streaming gets, made of the chunks a stream would have sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from proxy.core.chat import Chunk
from proxy.core.frames import TextChunk

_CHUNK_ONLY: Final = frozenset({"choices", "object", "usage"})
_TEXTS: Final = frozenset({"content", "reasoning_content", "refusal"})


class Fold:
    """Gathers the chunks of one completion."""

    def __init__(self) -> None:
        self._top: dict[str, Any] = {}
        self._choice: dict[str, Any] = {"index": 0}
        self._message: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {}
        self._calls: dict[int, dict[str, Any]] = {}
        self._arguments: dict[int, list[str]] = {}
        self._logprobs: dict[str, list[Any] | None] = {}
        self._usage: dict[str, Any] = {}

    def hear(self, chunks: Sequence[Chunk | TextChunk]) -> None:
        """Add chunks: a fold is never behind."""
        for chunk in chunks:
            self.add(chunk.whole() if isinstance(chunk, TextChunk) else chunk)

    def add(self, chunk: Chunk) -> None:
        self._top.update({k: v for k, v in chunk.items() if k not in _CHUNK_ONLY})
        self._usage = chunk.get("usage") or self._usage
        for choice in chunk["choices"]:
            self._add_choice(choice)

    def completion(self) -> dict[str, Any]:
        """The `chat.completion` object of all chunks added so far."""
        message: dict[str, Any] = {
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
        # In the order in which OpenAI's documentation has the fields, for people who read it.
        order = {"id": None, "object": None, "created": None, "model": None}
        return {
            **order,
            "choices": [choice],
            "usage": self._usage,
            **self._top,
            "object": "chat.completion",
        }

    def _add_choice(self, choice: dict[str, Any]) -> None:
        for name, value in choice.items():
            if name == "delta":
                self._add_delta(value)
            elif name == "logprobs":
                self._add_logprobs(value or {})
            elif value is not None or name not in self._choice:
                self._choice[name] = value

    def _add_delta(self, delta: dict[str, Any]) -> None:
        for name, value in delta.items():
            if name == "tool_calls":
                for fragment in value:
                    self._add_fragment(fragment)
            elif name in _TEXTS:
                self._texts.setdefault(name, []).append(value)
            else:
                self._message[name] = value

    def _add_fragment(self, fragment: dict[str, Any]) -> None:
        index = fragment["index"]
        if index not in self._calls:
            self._calls[index] = {"id": fragment["id"], "name": fragment["function"]["name"]}
            self._arguments[index] = []
        self._arguments[index].append(fragment["function"]["arguments"])

    def _add_logprobs(self, logprobs: dict[str, Any]) -> None:
        for name, tokens in logprobs.items():
            known = self._logprobs.setdefault(name, None)
            if known is not None:
                known.extend(tokens or ())
            elif tokens is not None:
                self._logprobs[name] = list(tokens)

    def _call(self, index: int) -> dict[str, Any]:
        call = self._calls[index]
        function = {"name": call["name"], "arguments": "".join(self._arguments[index])}
        return {"id": call["id"], "type": "function", "function": function}
