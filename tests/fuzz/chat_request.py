"""Chat requests: whatever a body and its headers hold, it is answered or refused, with a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Final

import orjson

from proxy.core.chat import parse_chat
from proxy.errors import BadRequest, EmptyScope
from proxy.upstreams.lighton.wish import WISHES
from tests.fuzz.mutation import broken_bytes, broken_document, strange_value, written
from tests.fuzz.upstream import KEY, answering_proxy
from tests.support.asgi import Answer, ask
from tests.upstreams.raw_server import PATIENCE_S

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
_HEADERS: Final = ("x-lighton-workspace-id", "x-lighton-retrieval")
_HEADER_VALUES: Final = (
    "42",
    "42,43",
    "tool",
    "off",
    "",
    " ",
    ",",
    "-1",
    "1e3",
    "9" * 40,
    "é",
    "٣",
)


class ChatRequests:
    """`POST /v1/chat/completions` within the process, and its parsers by themselves.

    A case is a header line or an empty one, and a body.
    """

    name = "request"

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._app = answering_proxy(search_memory=True)

    def draw(self, random: Random) -> bytes:
        document: Any = random.choice(_DOCUMENTS)
        if random.random() < 0.95:
            document = broken_document(random, document, _NAMES)
        elif random.random() < 0.5:
            document = strange_value(random)
        body = written(document)
        if random.random() < 0.2:
            body = broken_bytes(random, body)
        if random.random() < 0.02:
            depth = random.choice((100, 250, 1_000, 5_000))
            body = b'{"messages": %b%b}' % (b"[" * depth, b"]" * depth)
        header = f"{random.choice(_HEADERS)}:{random.choice(_HEADER_VALUES)}"
        return (header.encode() if random.random() < 0.2 else b"") + b"\n" + body

    def check(self, case: bytes) -> None:
        line, _, body = case.partition(b"\n")
        name, _, value = line.decode("latin-1").partition(":")
        headers = {name.lower(): value} if name.lower() in _HEADERS else {}
        _check_parsers(body, headers)
        answer = self._runner.run(self._ask(body, headers))
        _check_answer(answer)

    async def _ask(self, body: bytes, headers: dict[str, str]) -> Answer:
        headers = {"authorization": f"Bearer {KEY}", **headers}
        async with asyncio.timeout(PATIENCE_S):
            return await ask(self._app, content=body, headers=headers)


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


def _check_answer(answer: Answer) -> None:
    """It is a completion, or an error that is the client's own and says so."""
    assert answer.status < 500, f"{answer.status}: {answer.body!r}"
    if answer.status == 200:
        return
    assert answer.status in (400, 403, 404, 413), answer.status
    error = answer.json()["error"]
    assert error["message"], error
    assert error["type"], error


@contextmanager
def chat_requests() -> Iterator[ChatRequests]:
    with asyncio.Runner() as runner:
        yield ChatRequests(runner)
