"""Raw HTTP at the door: a server as `rag-proxy serve` starts it, on a real socket of this machine.

What is sent is read by `http_reading`, too. Up to where that gives up, the application must hear
exactly the same requests, and each is answered once; nothing of a body is ever obeyed. After
whatever was sent, the server lives, answers the next client, and logs no fault of its own.
"""

from __future__ import annotations

import re
import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.fuzz.http_reading import End, Reading, read_replies, read_requests
from tests.fuzz.mutation import cut
from tests.fuzz.raw_requests import draw_connection
from tests.fuzz.server import (
    PATIENCE_S,
    RunningServer,
    ask_health,
    read_until_answered,
    received,
    running,
)
from tests.fuzz.upstream import answering_proxy

_ROUNDS_OF_PATIENCE: Final = 10
"""Answers to others in which the server can surely finish what it still says on a connection."""
_STATUS: Final = re.compile(rb"HTTP/1\.1 [2-5][0-9][0-9] ")


def _parts(random: Random, data: bytes) -> list[bytes]:
    """The data in packets: also one for each head and body, and one for each byte."""
    kind = random.randrange(10)
    if kind < 4:
        return [each for each in re.split(rb"(?<=\r\n\r\n)", data) if each]
    if kind == 4 and len(data) < 500:
        return [bytes([byte]) for byte in data]
    return cut(random, data, random.choice((1, 2, 4, 20)))


class _Heard:
    """An application that notes what requests each connection brought, before it hands them on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.of: dict[int, list[list[bytes]]] = {}
        """Method, path and as much of the body as was asked for, by port of the client."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        noted = [scope["method"].encode(), scope["raw_path"], b""]
        self.of.setdefault(scope["client"][1], []).append(noted)

        async def noting() -> Message:
            message = await receive()
            noted[2] += message.get("body", b"")
            return message

        await self._app(scope, noting, send)


class Door:
    """A running server, and connections to it."""

    name = "http"

    def __init__(self, server: RunningServer, heard: _Heard) -> None:
        self._server = server
        self._heard = heard

    def draw(self, random: Random) -> bytes:
        return draw_connection(random)

    def check(self, case: bytes) -> None:
        """Send it in packets, then ask for something else, and compare what was heard and said."""
        reading = read_requests(case)
        parts = _parts(Random(zlib.crc32(case)), case)
        self._server.faults.lines.clear()
        with self._server.connected() as connection:
            mine = connection.getsockname()[1]
            data, has_ended = self._exchange(connection, parts, reading)
        with self._server.connected() as other:
            ask_health(other)
        heard = self._heard.of.pop(mine, [])
        self._heard.of.clear()
        _check_heard(heard, reading)
        check_replies(data, reading, case, has_ended=has_ended)
        self._server.faults.check()

    def _exchange(
        self, connection: socket.socket, parts: list[bytes], reading: Reading
    ) -> tuple[bytes, bool]:
        """Send the parts; all that comes back, and whether the server has closed."""
        with self._server.connected() as other:
            for part in parts:
                try:
                    connection.sendall(part)
                except (BrokenPipeError, ConnectionResetError):
                    break  # it has refused what came before
                ask_health(other)  # so that the server has read this part by itself
        methods = [each.method for each in reading.requests]
        data, has_ended = read_until_answered(connection, methods, to_the_end=reading.closes)
        if has_ended:
            return data, True
        with self._server.connected() as other:
            for _ in range(_ROUNDS_OF_PATIENCE):
                ask_health(other)
        while more := received(connection, 0):
            data += more
        return data, more is not None


def _check_heard(heard: list[list[bytes]], reading: Reading) -> None:
    """What the application heard is what was sent, and nothing that was not read as a request."""
    sent = [*reading.requests, *filter(None, [reading.begun])]
    for (method, path, body), request in zip(heard, sent, strict=False):
        assert (method, path) == request[:2], f"{method!r} {path!r} was heard, not {request!r}"
        assert request.body.startswith(body), f"{body!r} was heard as a body, not {request.body!r}"
    if reading.end is not End.STRANGE or reading.closes:
        further = heard[len(sent) :]
        assert not further, f"these were heard, but not sent as requests: {further}"


def check_replies(data: bytes, reading: Reading, case: bytes, *, has_ended: bool) -> None:
    """Each request is answered once, in its turn; what is none at most once, with an error."""
    methods = [each.method for each in reading.requests]
    replies, rest = read_replies(data, methods, has_ended=has_ended)
    statuses = [each.status for each in replies]
    assert 500 not in statuses, replies
    if len(replies) < len(methods):
        assert has_ended, f"no reply within {PATIENCE_S} s: {len(methods)} requests, {statuses}"
        last = reading.requests[max(0, len(replies) - 1)]
        may_end = statuses and (statuses[-1] >= 400 or last.is_old)
        assert may_end or b"CONNECT" in methods, f"{len(methods)} requests, replies {statuses}"
    if reading.end is End.STRANGE and not reading.closes:
        further = len(_STATUS.findall(rest))
        assert len(replies) + further <= case.count(b"HTTP/") + 1, (statuses, rest)
        assert b"HTTP/1.1 500" not in rest, rest
        return
    unfinished = [reading.begun.method if reading.begun else b"GET"]
    more, rest = read_replies(rest, unfinished, has_ended=has_ended)
    assert not rest, f"more came than was asked for: {statuses}, {more}, {rest!r}"
    assert reading.begun or all(each.status >= 400 for each in more), (statuses, more)
    if reading.end is End.CLEAN or reading.closes:
        assert not more, f"more replies than requests: {statuses}, {more}"


@contextmanager
def door() -> Iterator[Door]:
    """A door for as long as the block."""
    heard = _Heard(answering_proxy())
    with running(heard) as server:
        yield Door(server, heard)
