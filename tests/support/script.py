"""What upstreams say, as documents and as bytes: a model's rounds, a search's results.

Tests and bench share it. It needs no more than the proxy itself does, for bench runs without the
tools of the tests.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson

Pieces = Callable[[str], list[str]]
"""Cuts a text into the pieces it arrives in."""

SEARCH_TOOL: Final = "lighton_search"
DONE: Final = b"data: [DONE]\n\n"
_TOP: Final[Mapping[str, Any]] = {
    "id": "chatcmpl-upstream",
    "created": 1,
    "model": "scripted-model",
}


@dataclass(frozen=True)
class Call:
    """A tool call the model makes."""

    name: str
    arguments: str
    id: str = "chatcmpl-tool-0123456789abcdef0123456789abcdef"


def search_call(query: str, **arguments: Any) -> Call:
    return Call(SEARCH_TOOL, json.dumps({"query": query, **arguments}))


@dataclass(frozen=True)
class Round:
    """What the model says in one round."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    finish_reason: str = "stop"
    numbering: Literal["own", "zero", "none"] = "own"
    """The index of each call: its own, 0 for all, or none at all."""
    usage: Mapping[str, Any] = field(
        default_factory=lambda: {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "prompt_tokens_details": None,
        }
    )
    top: Mapping[str, Any] = field(default_factory=lambda: _TOP)
    """What every chunk repeats: id, created, model."""

    def completion(self) -> Any:
        """The round as Scaleway sends it without streaming."""
        message = {
            "role": "assistant",
            "content": self.text or None,
            "reasoning_content": self.reasoning or None,
            "tool_calls": [_whole_call(call) | self._index(n) for n, call in enumerate(self.calls)],
        }
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": self.finish_reason,
        }
        return {**self.top, "object": "chat.completion", "choices": [choice], "usage": self.usage}

    def chunks(self, pieces: Pieces = lambda text: [text], *, role_apart: bool = True) -> Any:
        """The round as Scaleway streams it: reasoning, text, fragments of calls, the end.

        The role comes in a chunk of its own, or else with the first that says something.
        """
        opening: dict[str, Any] = {"role": "assistant", "content": ""}
        deltas: list[dict[str, Any]] = [opening] if role_apart else []
        deltas += [{"reasoning": piece} for piece in pieces(self.reasoning) if piece]
        deltas += [{"content": piece} for piece in pieces(self.text) if piece]
        fragments = [
            [{**each, **self._index(n)} for each in _fragments(call, pieces)]
            for n, call in enumerate(self.calls)
        ]
        if self.numbering == "own":
            rows: Iterable[Any] = itertools.zip_longest(*fragments)
        else:  # then only their order says which call they belong to
            rows = fragments
        deltas += [{"tool_calls": [each]} for row in rows for each in row if each]
        deltas[0] = {"role": "assistant", **deltas[0]}
        chunks = [delta_chunk(delta, top=self.top) for delta in deltas]
        chunks.append(delta_chunk({"content": ""}, self.finish_reason, top=self.top))
        usage = {"object": "chat.completion.chunk", "choices": [], "usage": self.usage}
        return [*chunks, {**self.top, **usage}]

    def _index(self, number: int) -> dict[str, int]:
        return {"own": {"index": number}, "zero": {"index": 0}, "none": {}}[self.numbering]

    def stream(self, pieces: Pieces = lambda text: [text]) -> bytes:
        """The round as the bytes of an event stream."""
        return b"".join(map(event, self.chunks(pieces))) + DONE


def delta_chunk(
    delta: Mapping[str, Any], finish_reason: str | None = None, *, top: Mapping[str, Any] = _TOP
) -> Any:
    """A chunk of a stream, as Scaleway sends it."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return {**top, "object": "chat.completion.chunk", "choices": [choice]}


def event(document: Any) -> bytes:
    """A document as one event of a stream."""
    return b"data: " + orjson.dumps(document) + b"\n\n"


def delta_event(delta: Mapping[str, Any], finish_reason: str | None = None) -> bytes:
    return event(delta_chunk(delta, finish_reason))


def offers_search(request: Mapping[str, Any]) -> bool:
    """Whether the model may search. The client's own tools may be anything."""
    functions = [tool.get("function") for tool in request.get("tools") or ()]
    return any(isinstance(each, dict) and each.get("name") == SEARCH_TOOL for each in functions)


def _whole_call(call: Call) -> Any:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _fragments(call: Call, pieces: Pieces) -> Any:
    first = {**_whole_call(call), "function": {"name": call.name, "arguments": ""}}
    return [first, *({"function": {"arguments": each}} for each in pieces(call.arguments))]


def result(
    chunk_id: str, content: str | None = "Text.", *, score: float = 0.5, **source: Any
) -> Any:
    """A search result as LightOn sends it."""
    return {
        "chunk_id": chunk_id,
        "content": content,
        "score": score,
        "scores": {"text": score, "vision": None, "keyword": None, "relevance": score},
        "image": None,
        "bboxes": None,
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
