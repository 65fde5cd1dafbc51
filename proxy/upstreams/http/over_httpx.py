"""Exchanges over a transport of httpx: that of an outbound proxy, or a test's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final, TypeVar

import httpx

from proxy.upstreams.http.faults import (
    BrokenError,
    ConnectError,
    ConnectTimeout,
    DecodingError,
    NotHTTPReplyError,
    OutboundProxyError,
    ReadTimeout,
    TransportError,
)
from proxy.upstreams.http.pool import Request
from proxy.upstreams.http.receiver import Receiver

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OverHttpx:
    """Pulls replies from `transport` and pushes them into receivers."""

    transport: httpx.AsyncBaseTransport

    async def exchange(self, request: Request, receiver: Receiver, connect_s: float) -> None:
        """As `PooledTransport.exchange`. The transport decides when to send a request again.

        A receiver may lose patience during the reply, but its patience never grows beyond the first
        value.
        """
        try:
            await self._exchange(request, receiver, connect_s)
        except httpx.RequestError as fault:
            raise _ours(fault) from _cause_of(fault)

    async def _exchange(self, request: Request, receiver: Receiver, connect_s: float) -> None:
        timeouts = {"connect": connect_s, "read": receiver.patience_s}
        sending = self.transport.handle_async_request(_as_httpx(request, timeouts))
        response = await _in_time(sending, connect_s + receiver.patience_s)
        stream = response.stream
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - it is an async transport
        try:
            feed = receiver.head(response.status_code, response.headers.raw)
            parts = aiter(stream)
            while (part := await _in_time(anext(parts, None), receiver.patience_s)) is not None:
                behind = feed(part) if part else None
                if behind is not None:
                    await asyncio.shield(behind)  # only the receiver may cancel it
        finally:
            await stream.aclose()

    async def aclose(self) -> None:
        await self.transport.aclose()


async def _in_time(work: Awaitable[T], patience_s: float) -> T:
    """The result of `work`, however often a byte of it arrives. Raises ReadTimeout."""
    try:
        async with asyncio.timeout(patience_s):
            return await work
    except TimeoutError as fault:
        raise ReadTimeout("no data in time") from fault


def _ours(fault: httpx.RequestError) -> TransportError:
    """An exception of httpx as one of ours, with its text and its causes."""
    made = next(ours for theirs, ours in _OURS if isinstance(fault, theirs))(str(fault))
    made.__cause__ = _cause_of(fault)
    return made


def _cause_of(fault: httpx.RequestError) -> BaseException | None:
    cause = fault.__cause__ or fault.__context__
    return _ours(cause) if isinstance(cause, httpx.RequestError) else cause


_OURS: Final[tuple[tuple[type[httpx.RequestError], type[TransportError]], ...]] = (
    (httpx.ConnectTimeout, ConnectTimeout),
    (httpx.PoolTimeout, ConnectTimeout),
    (httpx.TimeoutException, ReadTimeout),
    (httpx.ConnectError, ConnectError),
    (httpx.ProxyError, OutboundProxyError),
    (httpx.RemoteProtocolError, NotHTTPReplyError),
    (httpx.DecodingError, DecodingError),
    (httpx.RequestError, BrokenError),
)
"""Rows from the special to the general."""


def _as_httpx(request: Request, timeouts: dict[str, float]) -> httpx.Request:
    scheme, host, port = request.origin
    return httpx.Request(
        request.method,
        httpx.URL(scheme=scheme, host=host, port=port, raw_path=request.target.encode()),
        headers=request.headers,
        stream=httpx.ByteStream(request.body or b""),
        extensions={"timeout": timeouts},
    )
