"""HTTP to one upstream: the only module that knows the HTTP client.

httpx is the interface (requests, responses, exceptions, transports), aiohttp does the work below
it: httpx's own connection pool is linear in the number of open requests. The transport is called
without httpx's client layer, which would add cookies, redirects and authentication that no upstream
needs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from proxy.errors import BadReply, Unreachable, UpstreamError, UpstreamTimeout

_KEEPALIVE_S: Final = 15.0
"""Idle connections are dropped before common servers and firewalls drop them."""
_CONNECT_ATTEMPTS: Final = 2
_LONGEST_BODY: Final = 32 * 1024 * 1024
"""As much of a reply as is kept in memory, in bytes; streams are not kept."""
_FAULTS: Final = (httpx.RequestError, aiohttp.ClientError, OSError)
_NOT_CONNECTED: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    httpx.ConnectError,
    httpx.ConnectTimeout,
)
"""Causes of a request that was never sent."""
_FOUND_CLOSED: Final = (
    aiohttp.ServerDisconnectedError,
    aiohttp.ClientOSError,
    aiohttp.ClientConnectionResetError,
)
"""Causes of a request that was not answered, often because a kept connection had been closed."""
_UNREADABLE: Final = (aiohttp.ClientResponseError, httpx.DecodingError)
"""Causes of a reply that is not HTTP, or not encoded as it says."""


class Reply:
    """The reply of an upstream, its body not read yet."""

    def __init__(self, response: httpx.Response, upstream: str) -> None:
        self._response = response
        self._upstream = upstream
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers

    @property
    def is_event_stream(self) -> bool:
        return self.headers.get("content-type", "").lower().startswith("text/event-stream")

    async def read(self) -> bytes:
        """The whole body. Raises UpstreamError if it is too long or the connection breaks."""
        read: list[bytes] = []
        size = 0
        async with aclosing(self.parts()) as parts:
            async for part in parts:
                read.append(part)
                size += len(part)
                if size > _LONGEST_BODY:
                    raise BadReply(
                        self._upstream, f"{self._upstream} sent a reply that is too long."
                    )
        return b"".join(read)

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """The body as it arrives. Raises UpstreamError if the connection breaks."""
        is_encoded = "content-encoding" in self.headers
        raw = cast("AsyncIterable[bytes]", self._response.stream)
        parts = self._response.aiter_bytes() if is_encoded else raw
        try:
            async for part in parts:
                yield part
        except _FAULTS as fault:
            raise translate(fault, self._upstream) from fault


class Transport(Protocol):
    """What a request is handed to: httpx's transport interface."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response: ...

    async def aclose(self) -> None: ...


@dataclass(slots=True)
class Endpoint:
    """One upstream's base URL, credentials and connections."""

    name: str
    base_url: str
    key: str = field(repr=False)
    transport: Transport
    connect_timeout_s: float

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        timeout_s: float,
    ) -> AsyncIterator[Reply]:
        """Send a request; the connection is given back or closed when the block ends.

        `timeout_s` bounds each wait for bytes, not the whole reply. A request whose connection
        could not be made, or broke before any answer, is sent once more. Raises UpstreamError.
        """
        response = await self._send(method, path, body, timeout_s)
        try:
            yield Reply(response, self.name)
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        await self.transport.aclose()

    async def _send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        timeout_s: float,
    ) -> httpx.Response:
        request = httpx.Request(
            method,
            self.base_url + path,
            headers={
                "authorization": f"Bearer {self.key}",
                "accept-encoding": "identity",
                "user-agent": "rag-proxy",
                **({"content-type": "application/json"} if body is not None else {}),
            },
            content=body,
            extensions={"timeout": {"connect": self.connect_timeout_s, "read": timeout_s}},
        )
        attempts_left = _CONNECT_ATTEMPTS
        while True:
            attempts_left -= 1
            try:
                return await self.transport.handle_async_request(request)
            except _FAULTS as fault:
                if not attempts_left or not _may_send_again(fault):
                    raise translate(fault, self.name) from fault


def aiohttp_transport() -> Transport:
    """A transport with a connection pool of its own, which opens in the event loop of its use."""
    certificates = httpx.create_ssl_context()

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_S, ssl=certificates)
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("accept", "user-agent"),
        )

    return AiohttpTransport(verify=certificates, client=session)


def translate(fault: BaseException, upstream: str) -> UpstreamError:
    """The HTTP client's exception as one of ours."""
    cause = _cause(fault)
    if isinstance(cause, (httpx.TimeoutException, TimeoutError)):
        return UpstreamTimeout(upstream, f"{upstream} did not answer in time. Try again later.")
    if isinstance(cause, _NOT_CONNECTED):
        return Unreachable(upstream, f"{upstream} could not be reached. Try again later.")
    if isinstance(cause, _UNREADABLE):
        return BadReply(upstream, f"{upstream} sent a reply that cannot be read.")
    return Unreachable(upstream, f"The connection to {upstream} broke. Try again.")


def _may_send_again(fault: BaseException) -> bool:
    """Whether the fault is the connection's: not made, or kept open and found closed."""
    return isinstance(_cause(fault), (*_NOT_CONNECTED, *_FOUND_CLOSED))


def _cause(fault: BaseException) -> BaseException:
    """What went wrong: the transport calls every broken connection a time-out, its cause tells."""
    return fault.__cause__ if isinstance(fault.__cause__, aiohttp.ClientError) else fault
