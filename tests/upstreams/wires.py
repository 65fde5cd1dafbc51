"""Connections whose other end a test holds, and receivers that keep what they hear."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest

from proxy.tasks import Behind
from proxy.upstreams.http.connection import Connection
from proxy.upstreams.http.pool import Origin, Request
from proxy.upstreams.http.receiver import Feed, Headers
from tests.upstreams.raw_server import PATIENCE_S, RawServer, Script, raw_server

REQUEST = b"GET / HTTP/1.1\r\nhost: test\r\n\r\n"


def request_to(url: str, method: str = "GET", body: bytes | None = None) -> Request:
    """A request with few headers."""
    to = httpx.URL(url)
    origin = Origin(to.scheme, to.host, to.port or (443 if to.scheme == "https" else 80))
    headers = [(b"host", to.netloc)]
    if body is not None:
        headers.append((b"content-length", b"%d" % len(body)))
    return Request(method, origin, to.raw_path.decode(), headers, body)


class Heard:
    """A receiver that keeps what it hears, and falls behind while `behind` is not done."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self.patience_s = patience_s
        self.status = 0
        self.headers: Headers = []
        self.parts: list[bytes] = []
        self.behind: Behind = None
        self._has_come = asyncio.Event()

    def head(self, status: int, headers: Headers) -> Feed:
        self.status = status
        self.headers = headers
        self._has_come.set()
        return self.feed

    def feed(self, part: bytes) -> Behind:
        self.parts.append(part)
        self._has_come.set()
        return self.behind

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)

    async def until(self, suffices: Callable[[], bool]) -> None:
        """Wait until what has come suffices."""
        async with asyncio.timeout(PATIENCE_S):
            while not suffices():
                self._has_come.clear()
                await self._has_come.wait()

    async def until_heard(self, size: int) -> None:
        """Wait until that many bytes of the body have come."""
        await self.until(lambda: len(self.body) >= size)

    def fall_behind(self) -> asyncio.Future[None]:
        """Be behind from the next part on, until the future is done."""
        self.behind = asyncio.get_running_loop().create_future()
        return self.behind


class Wire:
    """The server's end of a pair of sockets: what is sent has arrived when `send` returns."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    async def send(self, data: bytes) -> None:
        self._end.sendall(data)
        await settled()

    async def flood(self, block: bytes, most: int) -> int:
        """Send blocks until the other side takes no more, or `most` bytes; how many it took."""
        sent = held_up = 0
        while sent < most and held_up < 2:
            try:
                sent += self._end.send(block[sent % len(block) :])
                held_up = 0
            except BlockingIOError:
                held_up += 1
                await settled()
            except OSError:  # it has hung up
                break
        return sent

    async def end(self) -> None:
        with suppress(BlockingIOError):
            self._end.recv(65_536)  # a request that is not read would make the end a reset
        self._end.close()
        await settled()

    def reset(self) -> None:
        """Close with a request that was not read, which the other side is told as a reset."""
        self._end.close()

    async def hung_up(self) -> bool:
        """Whether the other side has closed the connection."""
        await settled()
        try:
            while said := self._end.recv(65_536):
                assert said
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True


async def settled() -> None:
    """Let the event loop look at its sockets, read from them and wake who waits for that."""
    for _ in range(6):
        await asyncio.sleep(0)


@asynccontextmanager
async def wired() -> AsyncIterator[tuple[Connection, Wire]]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)  # noqa: FBT003  # the socket's own way
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, sock=ours)
    try:
        yield connection, Wire(theirs)
    finally:
        connection.close()
        theirs.close()
        await settled()


@asynccontextmanager
async def connected(script: Script) -> AsyncIterator[tuple[RawServer, Connection]]:
    """A server that plays a script, and a connection to it."""
    async with raw_server(script) as server:
        host, port = server.url.removeprefix("http://").split(":")
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, host, int(port))
        try:
            yield server, connection
        finally:
            connection.close()


@asynccontextmanager
async def asking(connection: Connection, heard: Heard) -> AsyncIterator[asyncio.Task[None]]:
    """An exchange that has been begun, and is given up at the end of the context."""
    task = asyncio.get_running_loop().create_task(connection.exchange([REQUEST], heard))
    await settled()
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def cancel(task: asyncio.Task[Any]) -> None:
    """Cancel a task that ends only so."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def ran_out(task: asyncio.Task[Any], fault: type[Exception] = TimeoutError) -> None:
    """Make sure that the exchange has been given up by now, because nothing came in time."""
    await settled()
    assert task.done()
    with pytest.raises(fault):
        await task
