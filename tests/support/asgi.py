"""An ASGI application called without a server: for what is said, not for when it is said."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import ASGIApp, Message


@dataclass
class Answer:
    """A whole reply."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)

    def json(self) -> Any:
        return orjson.loads(self.body)


class Headers(dict[str, str]):
    """Headers of which some are repeated: those come as `more`, as they are on the wire."""

    def __init__(self, once: Mapping[str, str], more: list[tuple[bytes, bytes]]) -> None:
        super().__init__(once)
        self.more = more


async def ask(  # noqa: PLR0913  # the parts of a request
    app: ASGIApp,
    path: str = "/v1/chat/completions",
    document: Any = None,
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    hangs_up: asyncio.Event | None = None,
) -> Answer:
    """The reply of `app` to one request, whose client stays to the end or until `hangs_up`."""
    answer = Answer()
    body = orjson.dumps(document) if content is None else content
    inbox: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if inbox:
            return inbox.pop()
        await (asyncio.Event() if hangs_up is None else hangs_up).wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            answer.parts.append(message.get("body", b""))

    raw_path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": raw_path,
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (name.lower().encode(), value.encode())
            for name, value in {"host": "localhost", **(headers or {})}.items()
        ]
        + (headers.more if isinstance(headers, Headers) else []),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await app(scope, receive, send)
    return answer
