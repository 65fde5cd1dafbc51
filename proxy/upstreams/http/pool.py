"""A pool of connections to upstreams that need no outbound proxy.

The time that httpx's own pool needs grows with the number of open requests, and it costs several
times as much for each chunk. This pool does only what the proxy needs.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import defaultdict
from typing import Final, NamedTuple

from aiohappyeyeballs import start_connection

from proxy.upstreams.http.connection import Connection, NotAnsweredError, NotHTTPError
from proxy.upstreams.http.faults import (
    BrokenError,
    ConnectError,
    ConnectTimeout,
    NotHTTPReplyError,
    ReadTimeout,
)
from proxy.upstreams.http.receiver import Headers, Receiver

KEEPALIVE_S: Final = 15.0
"""The pool drops idle connections before common servers and firewalls do."""
MAX_AGE_S: Final = 300.0
"""Without this limit, a busy connection would outlive a change of its host's address."""
_HEAD_START_S: Final = 0.25
"""How long the pool tries one address of a host before it tries the next one beside it."""


class Origin(NamedTuple):
    """Where a request goes."""

    scheme: str
    host: str
    port: int


class Request(NamedTuple):
    """A request. `target` is the path with the query; the pool adds nothing to `headers`."""

    method: str
    origin: Origin
    target: str
    headers: Headers
    body: bytes | None = None


class PooledTransport:
    """Sends requests over as many HTTP/1.1 connections as they need, and keeps idle ones."""

    def __init__(self, certificates: ssl.SSLContext | None, max_age_s: float = MAX_AGE_S) -> None:
        """The pool sends no request over a connection that is older than `max_age_s`.

        Without `certificates` it trusts the system's authorities, and loads them for each
        connection: that is for a pool that opens none over TLS.
        """
        self._certificates = certificates
        self._max_age_s = max_age_s
        self._idle: dict[Origin, list[Connection]] = defaultdict(list)
        """The connection used last comes last."""
        self._sweep: asyncio.TimerHandle | None = None

    async def exchange(self, request: Request, receiver: Receiver, connect_s: float) -> None:
        """Send a request and push its reply into `receiver`. Returns when the reply is over.

        The pool sends a request twice only if a kept connection turns out to be dead before any of
        the answer arrives. The second time it opens a new connection, because the other kept ones
        have most likely died with the first. It never repeats a request that went over a new
        connection: the server may have begun to work on it.

        Raises ConnectError, ConnectTimeout, ReadTimeout, BrokenError and NotHTTPReplyError, and any
        exception of the receiver.
        """
        origin = request.origin
        outgoing = [_serialize(request)]
        del request  # a long stream should not hold it
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
            raise BrokenError("closed before a reply") from fault

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
            raise NotHTTPReplyError("not HTTP") from fault
        except TimeoutError as fault:
            raise ReadTimeout("no data in time") from fault
        except OSError as fault:
            raise BrokenError("closed in the middle of a reply") from fault
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
        """The idle connection that was used last, if it is neither stale nor too old."""
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
            raise ConnectTimeout("no connection in time") from error
        except (OSError, UnicodeError) as error:  # UnicodeError: the text cannot be a host name
            # The traceback leads to frames of aiohappyeyeballs that refer back to the error.
            raise ConnectError("no connection") from error.with_traceback(None)

    async def _open(self, scheme: str, host: str, port: int) -> Connection:
        """A new connection to the address of the host that answers first (RFC 8305)."""
        loop = asyncio.get_running_loop()
        addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        opened = await start_connection(addresses, happy_eyeballs_delay=_HEAD_START_S)
        is_secure = scheme == "https"
        _, connection = await loop.create_connection(
            Connection,
            sock=opened,
            ssl=(self._certificates or True) if is_secure else None,
            server_hostname=host.rstrip(".") if is_secure else None,  # no root dot in a certificate
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
    lines = [f"{request.method} {request.target} HTTP/1.1".encode()]
    lines += [b"%b: %b" % header for header in request.headers]
    return b"\r\n".join((*lines, b"", request.body or b""))
