"""A pool of connections behind httpx's transport interface.

httpx's own pool is linear in the number of open requests, and costs several times as much for each
chunk; this one does what the proxy needs of it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Self, cast

import httpx
from aiohappyeyeballs import start_connection

from proxy.upstreams.connection import Connection, Headers, NotHTTPError, Taker

KEEPALIVE_S: Final = 15.0
"""Idle connections are dropped before common servers and firewalls drop them."""
MAX_AGE_S: Final = 300.0
"""A connection that is always in use would never see that a name leads elsewhere by now."""
_HEAD_START_S: Final = 0.25
"""How long each address of a host is tried alone."""

_FAULTS: Final = (NotHTTPError, OSError)
"""What a connection raises; TimeoutError is an OSError."""

Origin = tuple[str, str, int]
"""Scheme, host and port."""


class NotAnswered(httpx.ReadError):
    """The connection ended before anything of a reply came."""


class PooledTransport(httpx.AsyncBaseTransport):
    """Sends requests over HTTP/1.1 connections, as many as are needed, and keeps idle ones.

    Raises httpx's ConnectError, ConnectTimeout, ReadTimeout, ReadError, of which NotAnswered is
    one, and RemoteProtocolError. A request's timeouts are its `timeout` extension: `connect` and,
    for each wait for bytes, `read`, in seconds.
    """

    def __init__(self, certificates: ssl.SSLContext, max_age_s: float = MAX_AGE_S) -> None:
        """No request is sent over a connection that was opened more than `max_age_s` ago."""
        self._certificates = certificates
        self._max_age_s = max_age_s
        self._idle: dict[Origin, list[Connection]] = defaultdict(list)
        """The one that was used last is the last."""
        self._sweep: asyncio.TimerHandle | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        timeouts = request.extensions["timeout"]
        status, headers, stream = await self.exchange(
            origin_of(request.url), serialize(request), timeouts["connect"], timeouts["read"]
        )
        return httpx.Response(status, headers=headers, stream=stream)

    async def exchange(
        self, origin: Origin, request: bytes, connect_s: float, read_s: float
    ) -> Answer:
        """What `handle_async_request` does, of bytes that are a whole request.

        Making httpx's Request and Response takes as long as all the rest of it.

        A request is sent twice only if a kept connection turns out to be dead: nothing of an answer
        has come then. The second time it goes over a new connection, because the others that were
        kept have most likely died with the first. What was sent over a new one may have been begun.
        """
        kept = self._take(origin)
        if kept is not None:
            answer = await self._ask_over_kept(origin, kept, request, read_s)
            if answer is not None:
                return answer
            self._drop(origin)
        connection = await self._connect(origin, connect_s)
        return await self._ask(origin, connection, request, read_s)

    async def _ask_over_kept(
        self, origin: Origin, connection: Connection, request: bytes, read_s: float
    ) -> Answer | None:
        """The answer over a connection that was kept; None if it turns out to be dead.

        A server that waits no longer for a request may say so with 408 when it closes: the notice
        and the request have crossed each other on their way (RFC 9110, 15.5.9).
        """
        try:
            status, headers, body = await self._ask(origin, connection, request, read_s)
        except NotAnswered:
            return None
        if status == HTTPStatus.REQUEST_TIMEOUT:
            await body.aclose()
            return None
        return status, headers, body

    async def _ask(
        self, origin: Origin, connection: Connection, request: bytes, read_s: float
    ) -> Answer:
        body = Body(self, origin, connection, read_s)
        try:
            connection.send(request)
            status, headers = await connection.head(read_s)
        except BaseException as fault:
            await body.aclose()
            if isinstance(fault, _FAULTS):
                raise _translated(fault, connection) from fault
            raise
        return status, headers, body

    async def aclose(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()
        if self._sweep is not None:
            self._sweep.cancel()

    def give_back(self, origin: Origin, connection: Connection) -> None:
        """Keep the connection of an exchange that has ended; close it if it has not."""
        if not connection.rest():
            connection.close()
            return
        self._idle[origin].append(connection)
        if self._sweep is None:
            loop = asyncio.get_running_loop()
            self._sweep = loop.call_later(KEEPALIVE_S, self._close_old)

    def _take(self, origin: Origin) -> Connection | None:
        """The idle connection that was used last, unless that is too long ago, or it is too old."""
        kept = self._idle[origin]
        now = asyncio.get_running_loop().time()
        while kept:
            connection = kept.pop()
            if self._is_fresh(connection, now):
                return connection
            connection.close()
        return None

    def _is_fresh(self, connection: Connection, now: float) -> bool:
        is_known = connection.idle_since > now - KEEPALIVE_S
        is_young = connection.opened_at > now - self._max_age_s
        return is_known and is_young and connection.is_open

    def _drop(self, origin: Origin) -> None:
        """Close the idle connections to a server."""
        for connection in self._idle.pop(origin, ()):
            connection.close()

    async def _connect(self, origin: Origin, timeout_s: float) -> Connection:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._open(*origin)
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time") from error
        except (OSError, UnicodeError) as error:  # the latter for what cannot be a name
            # Its traceback leads to frames of aiohappyeyeballs that refer to it.
            raise httpx.ConnectError("no connection") from error.with_traceback(None)

    async def _open(self, scheme: str, host: str, port: int) -> Connection:
        """A new connection, to that address of the host which answers first (RFC 8305)."""
        loop = asyncio.get_running_loop()
        addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        opened = await start_connection(addresses, happy_eyeballs_delay=_HEAD_START_S)
        is_secure = scheme == "https"
        _, connection = await loop.create_connection(
            Connection,
            sock=opened,
            ssl=self._certificates if is_secure else None,
            server_hostname=host.rstrip(".") if is_secure else None,  # a name's root is not its own
        )
        return connection

    def _close_old(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for origin, connections in list(self._idle.items()):
            self._idle[origin] = []
            for connection in connections:
                if self._is_fresh(connection, now):
                    self._idle[origin].append(connection)
                else:
                    connection.close()
        is_empty = not any(self._idle.values())
        self._sweep = None if is_empty else loop.call_later(KEEPALIVE_S, self._close_old)


@dataclass(slots=True)
class Body(httpx.AsyncByteStream):
    """The body of a reply, to be iterated once. Closing it ends the exchange."""

    pool: PooledTransport
    origin: Origin
    connection: Connection | None
    timeout_s: float

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        connection = self.connection
        if connection is None:
            raise StopAsyncIteration
        try:
            part = await connection.read(self.timeout_s)
        except _FAULTS as fault:
            raise _translated(fault, connection) from fault
        if not part:
            raise StopAsyncIteration
        return part

    def offer(self, taker: Taker) -> None:
        """See `Connection.offer`."""
        if self.connection is not None:
            self.connection.offer(taker)

    async def aclose(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            self.pool.give_back(self.origin, connection)


Answer = tuple[int, Headers, Body]
"""Status, headers, and the body that is still to be read."""


def _translated(fault: Exception, connection: Connection) -> httpx.RequestError:
    """What goes wrong on a connection, in httpx's words."""
    if isinstance(fault, NotHTTPError):
        return httpx.RemoteProtocolError("not HTTP")
    if isinstance(fault, TimeoutError):
        return httpx.ReadTimeout("no data in time")
    if not connection.has_answered:
        return NotAnswered("closed before a reply")
    return httpx.ReadError("closed in the middle of a reply")


def origin_of(url: httpx.URL) -> Origin:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def serialize(request: httpx.Request) -> bytes:
    """The request as it is sent."""
    lines = [b"%b %b HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [b"%b: %b" % header for header in request.headers.raw]
    body = cast("Iterable[bytes]", request.stream)
    return b"\r\n".join((*lines, b"", b"".join(body)))
