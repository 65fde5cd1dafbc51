"""An upstream that plays one fault over real sockets, and the ways in which it can."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.support.script import Round
from tests.upstreams.raw_server import Connection, chunked, reply

Act = Callable[[Connection], Awaitable[None]]
"""What is done on a connection instead of a reply. Then it is closed."""


@dataclass(frozen=True)
class Both:
    """A fault that is another one for a round that is streamed."""

    plain: bytes | Act
    streamed: bytes | Act


Say = bytes | Act | Both | Round
_MODELS = reply(b'{"data": [{"id": "llama-3.3-70b-instruct"}]}')
_TURNS = 20
"""How often the event loop turns until the other side has surely read what was sent."""


@dataclass
class StagedUpstream:
    """Plays `says` to the requests in turn, the last one for ever. A connection has one reply.

    So every request goes over a connection of its own: the proxy has a rule for kept ones that
    died, which would make it a matter of chance how often a request is sent.
    """

    says: list[Say] = field(default_factory=list)
    came: int = 0
    """How many requests came, but for those for the list of models."""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a request has come for the last of `says`."""

    def play(self, *says: Say) -> None:
        self.says, self.came = list(says), 0
        self.reached = asyncio.Event()

    async def script(self, connection: Connection) -> None:
        head, _, body = (await connection.request()).partition(b"\r\n\r\n")
        if head.startswith(b"GET"):
            await connection.send(closing(_MODELS))
            return
        self.came += 1
        if len(self.says) == 1:
            self.reached.set()
        say = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        await _do(say, connection, is_stream=orjson.loads(body).get("stream") is True)


async def _do(say: Say, connection: Connection, *, is_stream: bool) -> None:
    if isinstance(say, Round):
        say = _round(say, is_stream=is_stream)
    if isinstance(say, Both):
        say = say.streamed if is_stream else say.plain
    if isinstance(say, bytes):
        await connection.send(closing(say))
        return
    await say(connection)


def _round(one: Round, *, is_stream: bool) -> bytes:
    return stream(one.stream()) if is_stream else document(one.completion())


def closing(data: bytes) -> bytes:
    """A reply that says that its connection ends with it."""
    if not data.startswith(b"HTTP/1.1 "):
        return data
    return data.replace(b"\r\n", b"\r\nconnection: close\r\n", 1)


def document(value: Any, *headers: str, status: str = "200 OK") -> bytes:
    return reply(orjson.dumps(value), "content-type: application/json", *headers, status=status)


def stream(data: bytes) -> bytes:
    """A whole stream of events."""
    return chunked(data) + b"0\r\n\r\n"


def sends(data: bytes = b"", then: Callable[[Connection], Any] | None = None) -> Act:
    """Send `data`, wait until it has been read, and then close, unless `then` does something."""

    async def act(connection: Connection) -> None:
        await connection.send(data)
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        more = None if then is None else then(connection)
        if more is not None:
            await more

    return act


def drips(data: bytes, then: Callable[[Connection], Any] | None = None) -> Act:
    """Send `data` a byte at a time, each surely read by itself."""

    async def act(connection: Connection) -> None:
        for place in range(len(data)):
            await connection.send(data[place : place + 1])
            for _ in range(3):
                await asyncio.sleep(0)
        await sends(b"", then)(connection)

    return act
