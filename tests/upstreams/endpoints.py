"""One endpoint, and what a test asks of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from proxy.errors import UpstreamError
from proxy.upstreams.http.endpoint import Endpoint, Transport, pooled_transport
from proxy.upstreams.http.over_httpx import OverHttpx
from tests.upstreams.raw_server import PATIENCE_S, RawServer, Script, raw_server

KEY = "upstream-secret"
BASE_URL = "https://upstream.test/v1"


def endpoint(
    base_url: str,
    transport: Transport | httpx.AsyncBaseTransport | None = None,
    *,
    connect_timeout_s: float = PATIENCE_S,
) -> Endpoint:
    way = pooled_transport() if transport is None else way_over(transport)
    return Endpoint("Upstream", base_url, KEY, way, connect_timeout_s)


def way_over(transport: Transport | httpx.AsyncBaseTransport) -> Transport:
    """The way to an upstream over `transport`, which may be one of httpx's."""
    return OverHttpx(transport) if isinstance(transport, httpx.AsyncBaseTransport) else transport


@asynccontextmanager
async def connected(
    base_url: str, *, connect_timeout_s: float = PATIENCE_S
) -> AsyncIterator[Endpoint]:
    upstream = endpoint(base_url, connect_timeout_s=connect_timeout_s)
    try:
        yield upstream
    finally:
        await upstream.aclose()


@asynccontextmanager
async def served(script: Script, path: str = "") -> AsyncIterator[tuple[RawServer, Endpoint]]:
    """A server that plays a script, and an endpoint that leads to it."""
    async with raw_server(script) as server, connected(server.url + path) as upstream:
        yield server, upstream


async def failure(upstream: Endpoint, *, timeout_s: float = PATIENCE_S) -> UpstreamError:
    """How a request fails."""
    with pytest.raises(UpstreamError) as caught:
        await post(upstream, timeout_s=timeout_s)
    return caught.value


async def post(upstream: Endpoint, *, timeout_s: float = PATIENCE_S) -> tuple[int, bytes]:
    answer = await upstream.request("POST", "/ask", body=b"{}", timeout_s=timeout_s)
    return answer.status, answer.body
