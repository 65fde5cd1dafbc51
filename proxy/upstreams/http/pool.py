"""A pool of connections, for direct ways to an upstream.

httpx's own pool is linear in the number of open requests, and costs several times as much for each
chunk; this one does what the proxy needs of it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import defaultdict
from typing import Final, NamedTuple

import httpx
from aiohappyeyeballs import start_connection

from proxy.upstreams.http.connection import Connection, NotAnsweredError, NotHTTPError
from proxy.upstreams.http.receiver import Headers, Receiver

KEEPALIVE_S: Final = 15.0
"""Idle connections are dropped before common servers and firewalls drop them."""
MAX_AGE_S: Final = 300.0
"""A connection that is always in use would never see that a name leads elsewhere by now."""
_HEAD_START_S: Final = 0.25
"""How long each address of a host is tried alone."""


class Origin(NamedTuple):
    """Where a request goes."""

    scheme: str
    host: str
    port: int


class Request(NamedTuple):
    """A request; `target` is the path with the query, and `headers` are all that are sent."""

    method: str
    origin: Origin
    target: str
    headers: Headers
    body: bytes | None = None


class PooledTransport:
    """Sends requests over HTTP/1.1 connections, as many as are needed, and keeps idle ones."""

    def __init__(self, certificates: ssl.SSLContext, max_age_s: float = MAX_AGE_S) -> None:
        """No request is sent over a connection that was opened more than `max_age_s` ago."""
        self._certificates = certificates
        self._max_age_s = max_age_s
        self._idle: dict[Origin, list[Connection]] = defaultdict(list)
        """The one that was used last is the last."""
        self._sweep: asyncio.TimerHandle | None = None

    async def exchange(self, request: Request, receiver: Receiver, connect_s: float) -> None:
        """Send a request and push its reply into `receiver`; ends when the reply does.

        A request is sent twice only if a kept connection turns out to be dead: nothing of an answer
        has come then. The second time it goes over a new connection, because the others that were
        kept have most likely died with the first. What was sent over a new one may have been begun.

        Raises httpx's ConnectError, ConnectTimeout, ReadTimeout, ReadError and RemoteProtocolError,
        and what the receiver raises.
        """
        origin = request.origin
        outgoing = [_serialize(request)]
        del request  # a long stream need not hold it
        kept = self._take(origin)
        if kept is not None:
            try:
                await self._ask(origin, kept, outgoing, receiver)
            except NotAnsweredError:
                self._drop(origin)
            else:
                return
        connection = await self._connect(origin, connect_s)
        try:
            await self._ask(origin, connection, outgoing, receiver)
        except NotAnsweredError as fault:
            raise httpx.ReadError("closed before a reply") from fault

    async def aclose(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()
        if self._sweep is not None:
            self._sweep.cancel()

    async def _ask(
        self, origin: Origin, connection: Connection, outgoing: list[bytes], receiver: Receiver
    ) -> None:
        try:
            await connection.exchange(outgoing, receiver)
        except NotHTTPError as fault:
            raise httpx.RemoteProtocolError("not HTTP") from fault
        except TimeoutError as fault:
            raise httpx.ReadTimeout("no data in time") from fault
        except OSError as fault:
            raise httpx.ReadError("closed in the middle of a reply") from fault
        if connection.rest():
            self._keep(origin, connection)
        else:
            connection.close()

    def _keep(self, origin: Origin, connection: Connection) -> None:
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


def _serialize(request: Request) -> bytes:
    """The request as it is sent."""
    lines = [f"{request.method} {request.target} HTTP/1.1".encode()]
    lines += [b"%b: %b" % header for header in request.headers]
    return b"\r\n".join((*lines, b"", request.body or b""))
