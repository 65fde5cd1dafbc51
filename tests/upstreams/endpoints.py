"""One endpoint, and what a test asks of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proxy.upstreams.http import Endpoint, Transport, pooled_transport
from tests.upstreams.raw_server import PATIENCE_S

KEY = "upstream-secret"
BASE_URL = "https://upstream.test/v1"


def endpoint(
    base_url: str, transport: Transport | None = None, *, connect_timeout_s: float = 5
) -> Endpoint:
    transport = transport or pooled_transport()
    return Endpoint("Upstream", base_url, KEY, transport, connect_timeout_s)


@asynccontextmanager
async def connected(base_url: str, *, connect_timeout_s: float = 5) -> AsyncIterator[Endpoint]:
    upstream = endpoint(base_url, connect_timeout_s=connect_timeout_s)
    try:
        yield upstream
    finally:
        await upstream.aclose()


async def post(upstream: Endpoint, *, timeout_s: float = PATIENCE_S) -> tuple[int, bytes]:
    async with await upstream.request("POST", "/ask", body=b"{}", timeout_s=timeout_s) as answer:
        return answer.status, await answer.read()
