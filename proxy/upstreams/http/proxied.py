"""The way through an outbound proxy: httpx's own transport.

It costs more for each chunk than the pool, but it speaks to proxies as they expect: CONNECT with
credentials for https, absolute addresses for http.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Protocol, cast

import httpx

from proxy.upstreams.http.causes import UNAUTHENTICATED
from proxy.upstreams.http.pool import KEEPALIVE_S
from proxy.upstreams.http.proxies import OutboundProxy

_HUNG_UP: Final = "disconnected without sending a response"
"""httpcore's words for a server that closed a connection before it answered."""


class ProxiedTransport(httpx.AsyncBaseTransport):
    """Sends requests through one proxy, under the rules of `PooledTransport`.

    - `connect` bounds everything before the request, including the proxy's part.
    - The transport sends a request twice only if a kept connection turns out to be dead, and then
      over a new one.
    - No connection serves a new request after `max_age_s`.

    It raises the same exceptions, and a ProxyError if the proxy itself fails. The fault is its
    cause, or the proxy's status is its text.
    """

    def __init__(
        self, proxy: OutboundProxy, contexts: Callable[[], ssl.SSLContext], max_age_s: float
    ) -> None:
        """`contexts` makes a context for each use, because httpcore changes the one it gets."""
        of_proxy = contexts() if proxy.url.startswith("https:") else None
        self._proxy = httpx.Proxy(proxy.url, auth=proxy.auth, ssl_context=of_proxy)
        self._context = contexts()
        self._max_age_s = max_age_s
        self._pool: _Pool | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._send(request, may_be_dead=True)
        if response is None:
            response = await self._send(request, may_be_dead=False)
        assert response is not None  # noqa: S101 - a new connection is never taken for a dead one
        return response

    async def aclose(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.transport.aclose()

    async def _send(self, request: httpx.Request, *, may_be_dead: bool) -> httpx.Response | None:
        """The response; None if the request went over a kept connection that was dead."""
        pool = await self._young_pool()
        progress = _Progress()
        request.extensions = {"timeout": _timeouts(request), "trace": progress.note}
        try:
            response = await self._first_bytes(pool, request, progress)
        except httpx.RequestError as fault:
            if may_be_dead and _is_dead(fault, progress):
                await self._retire(pool)
                return None
            if _is_told_well(fault, progress):
                raise
            raise _unanswered(fault, progress) from _origin(fault)
        body = _Body(cast("httpx.AsyncByteStream", response.stream), pool)
        if response.status_code == UNAUTHENTICATED:
            await body.aclose()
            raise httpx.ProxyError(str(UNAUTHENTICATED))
        is_late = response.status_code == HTTPStatus.REQUEST_TIMEOUT and not progress.is_new
        if is_late and may_be_dead:
            await body.aclose()
            await self._retire(pool)
            return None
        return httpx.Response(response.status_code, headers=response.headers, stream=body)

    async def _first_bytes(
        self, pool: _Pool, request: httpx.Request, progress: _Progress
    ) -> httpx.Response:
        """The response. One limit covers all steps; httpcore would start its own anew at each."""
        response = None
        pool.open += 1
        try:
            async with asyncio.timeout(request.extensions["timeout"]["connect"]) as limit:
                progress.limit = limit
                response = await pool.transport.handle_async_request(request)
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time") from error
        finally:
            if response is None:
                pool.open -= 1
                if not progress.is_sent:
                    await progress.hang_up()
                    await self._retire(pool)
        return response

    async def _young_pool(self) -> _Pool:
        now = asyncio.get_running_loop().time()
        if self._pool is not None and now - self._pool.opened_at > self._max_age_s:
            await self._retire(self._pool)
        if self._pool is None:
            transport = httpx.AsyncHTTPTransport(
                verify=self._context, proxy=self._proxy, limits=_LIMITS, trust_env=False
            )
            self._pool = _Pool(transport, now)
        return self._pool

    async def _retire(self, pool: _Pool) -> None:
        """Send nothing more over these connections, and close them once no request uses them.

        The kept ones have most likely died with the one that failed, and httpcore never lets go of
        a connection whose handshake failed.
        """
        if self._pool is pool:
            self._pool = None
        pool.is_retired = True
        await pool.close_if_unused()


_LIMITS: Final = httpx.Limits(
    max_connections=None, max_keepalive_connections=None, keepalive_expiry=KEEPALIVE_S
)


@dataclass(slots=True, eq=False)
class _Pool:
    """Connections that were opened at about the same time."""

    transport: httpx.AsyncHTTPTransport
    opened_at: float
    open: int = 0
    """How many requests are under way. One ends with the body of its reply."""
    is_retired: bool = False

    async def close_if_unused(self) -> None:
        if self.is_retired and not self.open:
            await self.transport.aclose()


class _Closable(Protocol):
    async def aclose(self) -> None: ...


@dataclass(slots=True)
class _Progress:
    """How far a request has come, by httpcore's trace."""

    limit: asyncio.Timeout | None = None
    stream: _Closable | None = field(default=None, repr=False)
    """The new connection, if the request opened one."""
    is_new: bool = False
    is_asked: bool = False
    """The proxy has a connection, and was asked to connect to the upstream or to pass on a request.
    """
    is_led: bool = False
    """The proxy has connected to the upstream: from now on, a failure may be the upstream's."""
    is_sent: bool = False

    async def note(self, event: str, facts: dict[str, Any]) -> None:
        if event == "connection.connect_tcp.started":
            self.is_new = True
        elif event == "connection.connect_tcp.complete":
            self.stream = facts["return_value"]
        elif event == "proxy.start_tls.started":  # CONNECT was answered; the proxy's own TLS is
            self.is_led = True  # connection.start_tls
        elif event == "http11.send_request_headers.started":
            self.is_asked = True
            if facts["request"].method == b"CONNECT":
                return
            self.is_led = self.is_sent = True
            if self.limit is not None:
                self.limit.reschedule(None)

    async def hang_up(self) -> None:
        """Close a connection whose handshake was cancelled: httpcore loses it."""
        if self.stream is not None:
            await self.stream.aclose()


@dataclass(slots=True)
class _Body(httpx.AsyncByteStream):
    """The body of a reply. Closing it ends the exchange."""

    stream: httpx.AsyncByteStream
    pool: _Pool | None = field(repr=False)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self.stream)

    async def aclose(self) -> None:
        pool, self.pool = self.pool, None
        if pool is not None:
            try:
                await self.stream.aclose()
            finally:
                pool.open -= 1
                await pool.close_if_unused()


def _timeouts(request: httpx.Request) -> dict[str, float]:
    given: dict[str, float] = request.extensions["timeout"]
    return {**given, "write": given["read"]}


def _has_hung_up(fault: BaseException) -> bool:
    return isinstance(fault, httpx.RemoteProtocolError) and _HUNG_UP in str(fault)


def _is_dead(fault: BaseException, progress: _Progress) -> bool:
    """Whether a kept connection had ended before any of a reply arrived."""
    has_ended = isinstance(fault, (httpx.ReadError, httpx.WriteError)) or _has_hung_up(fault)
    return has_ended and progress.is_sent and not progress.is_new


def _is_told_well(fault: BaseException, progress: _Progress) -> bool:
    is_answer = isinstance(fault, httpx.ProxyError)
    return is_answer or (progress.is_sent and not _has_hung_up(fault))


def _unanswered(fault: BaseException, progress: _Progress) -> httpx.RequestError:
    """The failure before a reply, as the pool of direct connections would raise it."""
    if progress.is_sent:
        return httpx.ReadError("closed before a reply")
    is_late = isinstance(fault, httpx.TimeoutException)
    if not progress.is_led and not (is_late and progress.is_asked):
        return httpx.ProxyError("no way")
    if is_late:  # the proxy's or the upstream's silence: this end cannot tell
        return httpx.ConnectTimeout("no connection in time")
    return httpx.ConnectError("no connection")


def _origin(fault: BaseException) -> BaseException:
    """The fault to blame. When a server hangs up, httpcore says that it does not speak HTTP."""
    return ConnectionError("closed") if _has_hung_up(fault) else fault
