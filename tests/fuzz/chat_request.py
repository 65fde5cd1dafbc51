"""Chat requests, and their parsers by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import orjson

from proxy.core.chat import parse_chat
from proxy.errors import BadRequest, EmptyScope
from proxy.upstreams.lighton.wish import WISHES
from tests.fuzz.answers import CHAT
from tests.fuzz.requests import Good, Requests
from tests.fuzz.upstream import answering_proxy

_CALL: Final = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
_TOOL: Final = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
_DOCUMENTS: Final[tuple[dict[str, Any], ...]] = (
    {"messages": [{"role": "user", "content": "How many days of leave?"}], "stream": True},
    {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant", "content": None, "tool_calls": [_CALL, {**_CALL, "id": "c2"}]},
            {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
            {"role": "assistant", "content": "It is sunny."},
            {"role": "user", "content": "And leave?"},
        ],
        "tools": [_TOOL],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "stream_options": {"include_usage": True},
    },
    {
        "messages": [{"role": "user", "content": "q"}],
        "tools": [_TOOL],
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "required", "tools": [_TOOL]},
        },
        "lighton": {
            "retrieval": "hybrid",
            "workspace_id": [42],
            "tag_id": [1],
            "content_type": ["a/b"],
            "attribute": ["x"],
            "max_results": 3,
            "relevance_scoring": "scoring_only",
            "min_relevance": 0.5,
        },
    },
)
_NAMES: Final = (
    "lighton",
    "LightOn",
    "tools",
    "tool_calls",
    "tool_call_id",
    "content",
    "role",
    "function",
    "name",
    "arguments",
    "id",
    "type",
    "stream",
    "n",
    "workspace_id",
    "file_id",
    "retrieval",
    "temperature",
)


class ChatRequests(Requests):
    """`POST /v1/chat/completions`."""

    def __init__(self, runner: asyncio.Runner) -> None:
        good = [Good(f"POST {CHAT}", each) for each in _DOCUMENTS]
        super().__init__(runner, answering_proxy(search_memory=True), "request", good, _NAMES)

    def check(self, case: bytes) -> None:
        sent = self.read(case)
        _check_parsers(sent.body, sent.headers)
        super().check(case)


def _check_parsers(body: bytes, headers: dict[str, str]) -> None:
    """The parsers raise only errors that the client gets as a reply."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    for parse in (
        lambda: parse_chat(document, WISHES),
        lambda: WISHES.read(document.get("lighton") if isinstance(document, dict) else document),
        lambda: WISHES.read_headers(headers),
    ):
        try:
            parse()
        except (BadRequest, EmptyScope) as refused:
            assert str(refused)  # noqa: PT017 - most cases are not refused


@contextmanager
def chat_requests() -> Iterator[ChatRequests]:
    with asyncio.Runner() as runner:
        yield ChatRequests(runner)
