"""Scripts of model rounds, and upstreams that play them at the transport."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

Pieces = Callable[[str], list[str]]
"""Cuts a text into the pieces it arrives in."""


@dataclass(frozen=True)
class Call:
    """A tool call the model makes."""

    name: str
    arguments: str
    id: str = "chatcmpl-tool-0123456789abcdef0123456789abcdef"


def search_call(query: str, **arguments: Any) -> Call:
    return Call("lighton_search", json.dumps({"query": query, **arguments}))


@dataclass(frozen=True)
class Round:
    """What the model says in one round."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    finish_reason: str = "stop"
    usage: dict[str, Any] = field(
        default_factory=lambda: {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "prompt_tokens_details": None,
        }
    )

    def completion(self) -> Any:
        """The round as Scaleway sends it without streaming."""
        message = {
            "role": "assistant",
            "content": self.text or None,
            "reasoning_content": self.reasoning or None,
            "tool_calls": [_whole_call(call) for call in self.calls],
        }
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        return {**_TOP, "object": "chat.completion", "choices": [choice], "usage": self.usage}

    def chunks(self, pieces: Pieces = lambda text: [text]) -> Any:
        """The round as Scaleway streams it: reasoning, text, fragments of calls, the end."""
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"reasoning": piece} for piece in pieces(self.reasoning) if piece]
        deltas += [{"content": piece} for piece in pieces(self.text) if piece]
        fragments = [_fragments(index, call, pieces) for index, call in enumerate(self.calls)]
        for row in itertools.zip_longest(*fragments):
            deltas += [{"tool_calls": [fragment]} for fragment in row if fragment]
        chunks = [_chunk(delta) for delta in deltas]
        chunks.append(_chunk({"content": ""}, self.finish_reason))
        return [*chunks, {**_TOP, "choices": [], "usage": self.usage}]

    def stream(self, pieces: Pieces = lambda text: [text]) -> bytes:
        """The round as the bytes of an event stream."""
        events = [b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in self.chunks(pieces)]
        return b"".join(events) + b"data: [DONE]\n\n"


_TOP = {"id": "chatcmpl-upstream", "created": 1, "model": "scripted-model"}


def _chunk(delta: dict[str, Any], finish_reason: str | None = None) -> Any:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
    return {**_TOP, "object": "chat.completion.chunk", "choices": [choice]}


def _whole_call(call: Call) -> Any:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _fragments(index: int, call: Call, pieces: Pieces) -> Any:
    first = {**_whole_call(call), "index": index}
    first["function"] = {"name": call.name, "arguments": ""}
    rest = [{"index": index, "function": {"arguments": each}} for each in pieces(call.arguments)]
    return [first, *rest]


def result(chunk_id: str, content: str | None = "Text.", **source: Any) -> Any:
    """A search result as LightOn sends it."""
    return {
        "chunk_id": chunk_id,
        "content": content,
        "score": 0.5,
        "scores": {"relevance": 0.5},
        "workspace": {"id": 1, "name": "Team"},
        "source": {
            "file_id": 7,
            "filename": "handbook.pdf",
            "title": "Handbook",
            "total_pages": 9,
            "tags": [],
            **source,
        },
    }


class Upstreams:
    """Both vendors, playing a script. `transport()` is where requests are substituted."""

    def __init__(
        self,
        rounds: Iterable[Round] = (),
        results: Sequence[dict[str, Any]] = (),
        *,
        pieces: Pieces = lambda text: [text],
        cut: Callable[[bytes], list[bytes]] = lambda data: [data],
    ) -> None:
        self._rounds = iter(rounds)
        self._results = list(results)
        self._pieces = pieces
        self._cut = cut
        self.asked: list[dict[str, Any]] = []
        """The bodies of the requests to the model."""
        self.searched: list[dict[str, Any]] = []
        """The bodies of the requests to the search."""

        self.listed: Sequence[str] = ("llama-3.3-70b-instruct", "llama", "qwen")
        """The ids on the list of models."""

    def play(self, rounds: Iterable[Round]) -> None:
        """Go on with other rounds."""
        self._rounds = iter(rounds)

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/models"):
            return httpx.Response(200, json={"data": [{"id": each} for each in self.listed]})
        body = orjson.loads(request.content)
        if request.url.path == "/api/v3/search":
            self.searched.append(body)
            return httpx.Response(200, json={"results": self._results})
        self.asked.append(body)
        played = next(self._rounds)
        if not body.get("stream"):
            return httpx.Response(200, json=played.completion())
        data = self._cut(played.stream(self._pieces))
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, stream=_Stream(data))


class _Stream(httpx.AsyncByteStream):
    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part
