"""What is read in replies of upstreams, because other clients do, is refused in requests."""

from __future__ import annotations

import asyncio

import pytest

from proxy.app import create_app
from proxy.settings import Settings
from tests.support.server import serving

FIRST = b"GET /health HTTP/1.1\r\nHost: localhost\r\n"


async def asked(request: bytes) -> bytes:
    """The first line of the reply to a request of these very bytes."""
    settings = Settings(lighton_api_key="k", scaleway_api_key="k", keep_warm_s=0)
    async with serving(create_app(settings)) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(request)
            return await reader.readline()
        finally:
            writer.close()


async def test_a_request_in_good_order_is_answered() -> None:
    assert await asked(FIRST + b"\r\n") == b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        FIRST.replace(b"\r\n", b"\n") + b"\n",
        FIRST + b"x-a: one\r\n two\r\n\r\n",
        FIRST + b"x-a: \x01\r\n\r\n",
        FIRST + b"x-a: \x00\r\n\r\n",
        FIRST + b"transfer-encoding: identity\r\n\r\n",
        FIRST + b"content-length: 0\r\ncontent-length: 0\r\n\r\n",
        FIRST + b"content-length: 0, 0\r\n\r\n",
        FIRST + b"transfer-encoding: chunked\r\n\r\n0  \r\n\r\n",
    ],
)
async def test_a_request_that_servers_may_read_in_different_ways_is_refused(
    request_: bytes,
) -> None:
    assert await asked(request_) == b"HTTP/1.1 400 Bad Request\r\n"
