from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proxy.upstreams.http.endpoint import Endpoint
from proxy.upstreams.http.warmth import keep_warm
from tests.support.clock import skipping_clock
from tests.support.peers import refusing
from tests.upstreams.endpoints import connected
from tests.upstreams.raw_server import PATIENCE_S, Connection, Script, raw_server, reply


@asynccontextmanager
async def warmed(*endpoints: Endpoint, every_s: float) -> AsyncIterator[None]:
    warming = asyncio.create_task(keep_warm([(each, "/") for each in endpoints], every_s))
    try:
        yield
    finally:
        warming.cancel()
        await asyncio.wait([warming])


def answering(came: asyncio.Queue[bytes]) -> Script:
    async def script(connection: Connection) -> None:
        while True:
            came.put_nowait(await connection.request())
            await connection.send(reply(b"whatever", status="404 Not Found"))

    return script


async def test_one_connection_is_opened_and_used_again_and_again() -> None:
    came = asyncio.Queue[bytes]()
    async with (
        raw_server(answering(came)) as server,
        connected(server.url) as upstream,
        warmed(upstream, every_s=0.001),
    ):
        for _ in range(4):
            request = await asyncio.wait_for(came.get(), PATIENCE_S)
            assert request.startswith(b"GET / HTTP/1.1")
        assert server.connections == 1


async def test_an_upstream_that_is_down_does_not_keep_the_other_cold() -> None:
    came = asyncio.Queue[bytes]()
    async with (
        raw_server(answering(came)) as server,
        connected(server.url) as upstream,
        connected(refusing()) as down,
        warmed(down, upstream, every_s=0.001),
    ):
        for _ in range(3):
            await asyncio.wait_for(came.get(), PATIENCE_S)


async def test_an_upstream_that_says_nothing_is_tried_again() -> None:
    came = asyncio.Queue[int]()

    async def script(connection: Connection) -> None:
        await connection.request()
        came.put_nowait(connection.number)
        await connection.gone()

    with skipping_clock() as clock:
        async with (
            raw_server(script) as server,
            connected(server.url) as upstream,
            warmed(upstream, every_s=1),
        ):
            assert await asyncio.wait_for(came.get(), PATIENCE_S) == 1
            clock.skip(5.1)
            await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)
            clock.skip(1.1)
            assert await came.get() == 2
