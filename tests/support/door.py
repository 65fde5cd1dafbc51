"""The door with a client that decides where its packets are cut, without a network between."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send
from uvicorn.server import ServerState

from proxy.commands.serving import server_config
from proxy.surfaces.door import Door
from proxy.surfaces.door_limits import DoorLimits

PATIENCE_S: Final = 60
_CONTENT_LENGTH: Final = re.compile(rb"content-length: (\d+)\r\n")


@dataclass
class Heard:
    """A request as the application was given it."""

    method: str
    path: str
    headers: list[tuple[bytes, bytes]]
    client: str
    body: bytes | None
    """None if the client went before it was whole."""


@dataclass
class Echo:
    """An application that remembers what it hears and answers with the body.

    A path that begins with /early is answered before its body is read; the reply to one that begins
    with /slow begins at once and ends when `go_on` is set; one that begins with /listening is never
    answered, and heard when its client has gone.
    """

    heard: list[Heard] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = (scope["method"], scope["path"], list(scope["headers"]), scope["client"][0])
        if scope["path"].startswith("/early"):
            self.heard.append(Heard(*head, None))
            await _say(send, b"early")
            return
        if scope["path"].startswith("/slow"):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"slow ", "more_body": True})
            await self.go_on.wait()
            self.heard.append(Heard(*head, b""))
            await send({"type": "http.response.body", "body": b"end"})
            return
        if scope["path"].startswith("/listening"):
            await _body(receive)
            while (await receive())["type"] != "http.disconnect":
                pass
            self.heard.append(Heard(head[0], "/listening: gone", *head[2:], None))
            return
        body = await _body(receive)
        self.heard.append(Heard(*head, body))
        if body is not None:
            await _say(send, body)


async def _body(receive: Receive) -> bytes | None:
    body = b""
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += bytes(message["body"])
        if not message["more_body"]:
            return body


async def _say(send: Send, text: bytes) -> None:
    headers = [(b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})


class Visitor(asyncio.Transport):
    """A connection to a door: what the server's side of a socket would be."""

    def __init__(self, door: Door, app: Any, address: str = "192.0.2.1") -> None:
        super().__init__({"peername": (address, 1234), "sockname": ("192.0.2.9", 8000)})
        self.written = bytearray()
        self._unread = b""
        self._found: list[tuple[int, bytes]] = []
        self.is_ended = False
        self.is_gone = False
        self.reads = True
        self.waits = 0
        self._ended = asyncio.Event()
        self._wrote = asyncio.Event()
        config = server_config(app, "error")
        self.protocol = door(config, ServerState(), {}, asyncio.get_running_loop())
        self.protocol.connection_made(self)

    # What the client does

    def send(self, *packets: bytes) -> None:
        for packet in packets:
            if not self.is_gone:
                self.protocol.data_received(packet)

    async def until(self, condition: Callable[[Visitor], bool]) -> None:
        """Wait until what was written, or that it has ended, meets a condition."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition(self):
                self._wrote.clear()
                await self._wrote.wait()
                await asyncio.sleep(0)  # so that many writes are looked at together

    async def replies(self, count: int) -> list[tuple[int, bytes]]:
        """The first replies, as status and body, when so many are whole."""
        await self.until(lambda visitor: len(visitor.parsed()) >= count)
        return self.parsed()

    def parsed(self) -> list[tuple[int, bytes]]:
        """All whole replies so far, as status and body."""
        while found := _first_reply(self._unread):
            status, body, self._unread = found
            self._found.append((status, body))
        return list(self._found)

    # What the server asks of a socket

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data
        self._unread += data
        self._wrote.set()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.is_ended = True
        self._wrote.set()

    def close(self) -> None:
        self._go()

    def abort(self) -> None:
        self._go()

    def get_write_buffer_size(self) -> int:
        return self.waits

    def is_closing(self) -> bool:
        return self.is_gone

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def _go(self) -> None:
        if not self.is_gone:
            self.is_gone = self.is_ended = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)
            self._wrote.set()


def _first_reply(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Status and body of the reply that `data` begins with, and what follows it; None if not yet.

    A chunked body is given as it is coded.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    if not end:
        return None
    status = int(head.split(b" ")[1])
    length = _CONTENT_LENGTH.search(head.lower() + b"\r\n")
    if length is None:
        body, end, rest = rest.partition(b"0\r\n\r\n")
        return (status, body, rest) if end else None
    size = int(length[1])
    return (status, rest[:size], rest[size:]) if len(rest) >= size else None


@dataclass
class Street:
    """A door and those who come to it."""

    limits: DoorLimits = field(default_factory=DoorLimits)
    app: Echo = field(default_factory=Echo)
    door: Door = field(init=False)

    def __post_init__(self) -> None:
        self.door = Door(self.limits)

    def visitor(self, address: str = "192.0.2.1") -> Visitor:
        return Visitor(self.door, self.app, address)


def head(*lines: str, method: str = "POST", path: str = "/") -> bytes:
    """A head of these header lines."""
    return "\r\n".join((f"{method} {path} HTTP/1.1", "host: x", *lines, "", "")).encode()


def request(
    body: bytes, *lines: str, path: str = "/", chunk_size: int = 0, method: str = "POST"
) -> bytes:
    """A whole request; with a `chunk_size`, in chunks of so many bytes."""
    if not chunk_size:
        return head(f"content-length: {len(body)}", *lines, path=path, method=method) + body
    chunks = (body[i : i + chunk_size] for i in range(0, len(body), chunk_size))
    coded = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return head("transfer-encoding: chunked", *lines, path=path) + coded + b"0\r\n\r\n"


async def settled(waits: Iterable[Awaitable[Any]] = ()) -> None:
    """Let everything happen that needs no more input."""
    for each in waits:
        await each
    for _ in range(10):
        await asyncio.sleep(0)
