"""The faults of clients, each of which a row of the table shows."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tests.faults.model_faults import BEGUN, HANGS, TOLD
from tests.faults.search_faults import FOUND
from tests.faults.stage import ASKED, Stage
from tests.faults.upstream import Both, Say, sends
from tests.support.script import Round, search_call
from tests.upstreams.raw_server import PATIENCE_S

LARGEST: Final = 100_000
"""The largest body that the proxy accepts here, in bytes."""
_NO_LINGER: Final = struct.pack("ii", 1, 0)
_TLS_HELLO: Final = bytes.fromhex("16030100050100000100")
_SEARCH: Final = Round(calls=(search_call("leave"),), finish_reason="tool_calls")
_SILENT: Final = sends(b"", HANGS)
_TALKING: Final = Both(_SILENT, sends(TOLD, HANGS))
_BEGINNING: Final = Both(_SILENT, sends(BEGUN, HANGS))


@dataclass
class Caller:
    """A client with a socket of its own."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    stage: Stage
    is_stream: bool

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def ask(self) -> None:
        await self.send(request(orjson.dumps({**ASKED, "stream": self.is_stream})))

    async def hears(self, words: bytes) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.reader.readuntil(words)

    def hang_up(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        connection: socket.socket = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.writer.transport.abort()


Does = Callable[[Caller], Awaitable[None]]


@dataclass(frozen=True)
class ClientFault:
    """A fault: its name in the table, what the client does, and what the upstreams say."""

    says: str
    does: Does
    model: tuple[Say, ...] = (Round("Yes."),)
    search: tuple[Say, ...] = (FOUND,)
    is_answer: bool = False
    """It is about an answer, so it is tried with a streamed one, too."""
    stalls: int = 0
    """So many limits for the rest of the request run out."""


def request(
    body: bytes, *lines: str, method: str = "POST", path: str = "/v1/chat/completions"
) -> bytes:
    """A whole request, after which the connection ends. `lines` may say how long the body is."""
    is_said = any(each.startswith(("content-length", "transfer-encoding")) for each in lines)
    length = () if is_said else (f"content-length: {len(body)}",)
    head = (f"{method} {path} HTTP/1.1", "host: 127.0.0.1", "connection: close", *length, *lines)
    return "\r\n".join((*head, "", "")).encode() + body


ASKING: Final = orjson.dumps(ASKED)
_WHOLE: Final = request(ASKING)


def _says(*parts: bytes) -> Does:
    async def does(caller: Caller) -> None:
        for part in parts:
            await caller.send(part)

    return does


def _leaves_after(data: bytes) -> Does:
    async def does(caller: Caller) -> None:
        await caller.send(data)
        caller.hang_up()

    return does


def _leaves(where: str, how: Callable[[Caller], None]) -> Does:
    async def does(caller: Caller) -> None:
        await caller.ask()
        stage = caller.stage
        upstream = stage.search if where == "search" else stage.model
        async with asyncio.timeout(PATIENCE_S):
            await upstream.reached.wait()
        if where == "answer" and caller.is_stream:
            await caller.hears(b"Half of")
        how(caller)

    return does


def _hang_ups() -> Iterator[ClientFault]:
    hows = {"leaves": Caller.hang_up, "resets the connection": Caller.reset}
    scripts: dict[str, dict[str, Any]] = {
        "first round": {"model": (_BEGINNING,)},
        "hidden round": {"model": (_SEARCH, _SILENT)},
        "search": {"model": (_SEARCH, Round("Yes.")), "search": (_SILENT,)},
        "answer": {"model": (_SEARCH, _TALKING)},
    }
    for how, leave in hows.items():
        for where, script in scripts.items():
            does = _leaves(where, leave)
            yield ClientFault(f"{how} in the {where}", does, **script, is_answer=True)


async def _half_closes(caller: Caller) -> None:
    await caller.ask()
    caller.writer.write_eof()


async def _waits_to_be_told(caller: Caller) -> None:
    head, _, body = request(ASKING, "expect: 100-continue").partition(b"\r\n\r\n")
    await caller.send(head + b"\r\n\r\n")
    await caller.hears(b"100 Continue\r\n\r\n")
    await caller.send(body)


async def _drips(caller: Caller) -> None:
    for place in range(len(_WHOLE)):
        await caller.send(_WHOLE[place : place + 1])
        await asyncio.sleep(0)


def _incomplete() -> Iterator[ClientFault]:
    half = _WHOLE[: -len(ASKING) // 2]
    # The first limit is for a server that is too busy to read what has been sent.
    yield ClientFault("connects and says nothing", _says(), stalls=2)
    yield ClientFault("connects and leaves", _leaves_after(b""))
    yield ClientFault("stalls in the head", _says(_WHOLE[:30]), stalls=1)
    yield ClientFault("leaves in the head", _leaves_after(_WHOLE[:30]))
    yield ClientFault("stalls in the body", _says(half), stalls=1)
    yield ClientFault("leaves in the body", _leaves_after(half))
    yield ClientFault("sends a byte at a time", _drips, is_answer=False)
    yield ClientFault("closes its side after the request", _half_closes, is_answer=True)
    yield ClientFault("waits for 100 Continue", _waits_to_be_told)
    two = _WHOLE.replace(b"connection: close\r\n", b"")
    yield ClientFault("sends two requests at once", _says(two + _WHOLE))
    yield ClientFault("sends a request and garbage behind it", _says(two + b"\x00\x01\r\n\r\n"))


def _malformed() -> Iterator[ClientFault]:
    chunked = ("transfer-encoding: chunked",)
    large = b" " * (LARGEST + 1)
    bodies = {
        "body is empty": b"",
        "body is not JSON": b"{oops",
        "body is a list": b"[]",
        "body is not UTF-8": b'{"messages": "\xff"}',
        "body is nested 100,000 deep": b"[" * (LARGEST - 10),
        "no messages": b"{}",
        "messages are a text": b'{"messages": "x"}',
        "a field of the wrong type": orjson.dumps({**ASKED, "stream": "yes"}),
    }
    heads = {
        "no length": request(b"", "content-length: 0"),
        "length is no number": request(b"", "content-length: x"),
        "two lengths": request(b"ab", "content-length: 1", "content-length: 2"),
        "length and chunks": request(b"0\r\n\r\n", "content-length: 5", *chunked),
        "chunk's length is no number": request(b"zz\r\n", *chunked),
        "body is too large": request(large),
        "body in chunks is too large": request(
            b"%x\r\n%b\r\n0\r\n\r\n" % (len(large), large), *chunked
        ),
        "body is compressed": request(ASKING, "content-encoding: gzip"),
        "head is too large": request(ASKING, "cookie: " + "x" * 70_000),
        "too many headers": request(ASKING, *(f"x-{each}: y" for each in range(101))),
        "a NUL in a header": request(ASKING, "x-a: b\x00c"),
        "no route": request(ASKING, path="/v1/audio/speech"),
        "wrong method": request(b"", method="GET"),
        "asks for another protocol": request(ASKING, "connection: upgrade", "upgrade: websocket"),
        "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/0.9": b"GET /\r\n\r\n",
        "TLS on the port of HTTP": _TLS_HELLO,
    }
    made = {says: request(body) for says, body in bodies.items()} | heads
    return (ClientFault(says, _says(data)) for says, data in made.items())


CLIENT_FAULTS: Final = (*_hang_ups(), *_incomplete(), *_malformed())
