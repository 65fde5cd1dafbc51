"""HTTP to one upstream: the only module that knows the HTTP client, beside its transport.

httpx is the interface: requests, responses, exceptions, transports. The transport is called without
httpx's client layer, which would add cookies, redirects and authentication that no upstream needs.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, Self, cast

import httpx

from proxy.errors import BadReply, Unreachable, UpstreamError, UpstreamTimeout
from proxy.upstreams.causes import TOO_LONG, cause_of
from proxy.upstreams.connection import Headers, Taker
from proxy.upstreams.prepared import PreparedRequest
from proxy.upstreams.transport import MAX_AGE_S, Body, PooledTransport

_LONGEST_BODY: Final = 32 * 1024 * 1024
"""As much of a reply as is kept in memory, in bytes; streams are not kept."""
_FAULTS: Final = (httpx.RequestError, OSError)
_UNREADABLE: Final = (httpx.RemoteProtocolError, httpx.DecodingError)
"""A reply that is not HTTP, or not encoded as it says."""


class Reply:
    """The reply of an upstream, its body not read yet. Leaving it as a context ends the exchange.

    The connection is then given back or, if the body was not read to its end, closed.
    """

    __slots__ = ("_parts", "_stream", "_upstream", "headers", "status")

    def __init__(
        self, upstream: str, status: int, headers: Headers, stream: httpx.AsyncByteStream
    ) -> None:
        self._upstream = upstream
        self.status = status
        self.headers: Mapping[str, str] = {
            name.lower().decode("latin-1"): value.decode("latin-1") for name, value in headers
        }
        """By name in lower case; of repeated ones the last."""
        self._stream = stream
        self._parts = aiter(stream)
        if "content-encoding" in self.headers:
            self._parts = httpx.Response(status, headers=headers, stream=stream).aiter_bytes()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stream.aclose()

    async def aclose(self) -> None:
        """End the exchange, as leaving the context does."""
        await self._stream.aclose()

    @property
    def is_event_stream(self) -> bool:
        return self.headers.get("content-type", "").lower().startswith("text/event-stream")

    async def part(self) -> bytes:
        """What has come of the body since the last time, b"" at its end.

        Raises UpstreamError if the connection breaks.
        """
        try:
            async for part in self._parts:
                if part:
                    return part
        except _FAULTS as fault:
            raise translate(fault, self._upstream) from fault
        return b""

    async def read(self, suffices: Callable[[bytes], bool] | None = None) -> bytes:
        """The whole body. Raises UpstreamError if it is too long or the connection breaks.

        What has come before it breaks is given all the same if it `suffices`.
        """
        read: list[bytes] = []
        size = 0
        while part := await self._part_or_end(read, suffices):
            read.append(part)
            size += len(part)
            if size > _LONGEST_BODY:
                what = f"{self._upstream} sent a reply that is too long."
                raise BadReply(self._upstream, what, cause=TOO_LONG)
        return b"".join(read)

    async def _part_or_end(
        self, read: list[bytes], suffices: Callable[[bytes], bool] | None
    ) -> bytes:
        try:
            return await self.part()
        except UpstreamError:
            if suffices is not None and suffices(b"".join(read)):
                return b""
            raise

    def offer(self, taker: Taker) -> None:
        """Offer `taker` what comes of the body before `part` gives it: see `Connection.offer`."""
        if isinstance(self._parts, Body):
            self._parts.offer(taker)


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
    _known: dict[tuple[str, str, bool], PreparedRequest] = field(
        init=False, repr=False, default_factory=dict
    )

    async def request(
        self, method: str, path: str, *, body: bytes | None = None, timeout_s: float
    ) -> Reply:
        """Send a request; its reply is to be used as a context.

        `timeout_s` bounds each wait for bytes, not the whole reply. See `PooledTransport.exchange`
        for when a request is sent again. Raises UpstreamError.
        """
        request = self._prepared(method, path, has_body=body is not None)
        try:
            return await self._exchange(request, body, timeout_s)
        except _FAULTS as fault:
            raise translate(fault, self.name) from fault

    async def _exchange(
        self, request: PreparedRequest, body: bytes | None, timeout_s: float
    ) -> Reply:
        """The reply, by way of httpx's objects if the transport knows nothing else."""
        if isinstance(self.transport, PooledTransport):
            status, headers, stream = await self.transport.exchange(
                request.origin, request.as_bytes(body), self.connect_timeout_s, timeout_s
            )
            return Reply(self.name, status, headers, stream)
        timeouts = {"connect": self.connect_timeout_s, "read": timeout_s}
        response = await self.transport.handle_async_request(request.as_httpx(body, timeouts))
        opened = cast("httpx.AsyncByteStream", response.stream)
        return Reply(self.name, response.status_code, response.headers.raw, opened)

    async def touch(self, path: str, *, timeout_s: float) -> None:
        """GET something, whatever it is: after that a connection is open. Raises UpstreamError."""
        async with await self.request("GET", path, timeout_s=timeout_s) as reply:
            await reply.read()

    async def aclose(self) -> None:
        await self.transport.aclose()

    def _prepared(self, method: str, path: str, *, has_body: bool) -> PreparedRequest:
        known = self._known.get((method, path, has_body))
        if known is None:
            url = self.base_url + path
            known = PreparedRequest.of(method, url, self.key, has_body=has_body)
            self._known[method, path, has_body] = known
        return known


def pooled_transport(
    max_age_s: float = MAX_AGE_S, certificates: ssl.SSLContext | None = None
) -> Transport:
    """A transport with a connection pool of its own; it trusts the system unless told whom."""
    return PooledTransport(certificates or ssl.create_default_context(), max_age_s)


def translate(fault: Exception, upstream: str) -> UpstreamError:
    """The HTTP client's exception as one of ours, with its cause."""
    cause = cause_of(fault)
    why = f": {cause.phrase}" if cause.phrase else ""
    if isinstance(fault, (httpx.TimeoutException, TimeoutError)):
        kind: type[UpstreamError] = UpstreamTimeout
        what = f"{upstream} did not answer in time{why}"
    elif isinstance(fault, (httpx.ConnectError, httpx.ProxyError)):
        kind, what = Unreachable, f"{upstream} could not be reached{why}"
    elif isinstance(fault, _UNREADABLE):
        kind, what = BadReply, f"{upstream} sent a reply that cannot be read{why}"
    else:
        kind, what = Unreachable, f"The connection to {upstream} broke{why}"
    said = f"HTTP {str(fault)[:3]}" if isinstance(fault, httpx.ProxyError) else ""
    return kind(upstream, f"{what}. {cause.advice}", cause=cause.word, said=said)
