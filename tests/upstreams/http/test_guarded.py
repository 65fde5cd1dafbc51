"""A transport that stops connecting to a host that is down, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from proxy.errors import BadReply, CircuitOpen, Unreachable, UpstreamError
from proxy.upstreams.http.breaker import BreakerRules
from proxy.upstreams.http.circuits import Circuit, Circuits, OpenCircuitError
from proxy.upstreams.http.endpoint import Endpoint, pooled_transport
from proxy.upstreams.http.guarded import GuardedTransport
from tests.support.peers import refusing
from tests.upstreams.endpoints import endpoint, failure, post
from tests.upstreams.http.test_breaker import Clock
from tests.upstreams.raw_server import Connection, chunk, chunked, raw_server, reply


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.circuits = Circuits(BreakerRules(2), self.clock, lambda: 0.0)
        self.transport = GuardedTransport(pooled_transport(), self.circuits)

    def at(self, url: str) -> Endpoint:
        return endpoint(url, self.transport)

    def is_open(self, url: str) -> bool:
        host = url.removeprefix("http://")
        try:
            self.circuits.check(Circuit("host", host))
        except OpenCircuitError:
            return True
        return False


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    made = World()
    async with aclosing(made.transport):
        yield made


async def answering(connection: Connection) -> None:
    while True:
        await connection.request()
        await connection.send(reply(b"fine"))


async def test_after_failures_in_a_row_a_host_is_not_connected_to_until_a_probe() -> None:
    down = refusing()
    async with world() as one:
        for _ in range(2):
            assert isinstance(await failure(one.at(down)), Unreachable)
        error = await failure(one.at(down))
        assert isinstance(error, CircuitOpen)
        assert (error.cause, error.upstream, error.retry_after_s) == ("circuit_open", "Upstream", 1)
        assert error.message.startswith("The connection to Upstream keeps failing")
        one.clock.now += 1
        assert (await failure(one.at(down))).cause == "refused"
        assert (await failure(one.at(down))).retry_after_s == 2


async def test_another_host_is_not_held_to_account() -> None:
    async with world() as one, raw_server(answering) as server:
        for _ in range(3):
            await failure(one.at(refusing()))
        assert await post(one.at(server.url)) == (200, b"fine")


async def test_any_reply_closes_it() -> None:
    async with world() as one, raw_server(answering) as server:
        host = Circuit("host", server.url.removeprefix("http://"))
        for _ in range(2):
            with one.circuits.enter(host) as passage:
                passage.fail()
        assert one.is_open(server.url)
        one.clock.now += 1
        assert await post(one.at(server.url)) == (200, b"fine")
        assert not one.circuits.enter(host).is_watched or not one.is_open(server.url)


async def test_a_stream_proves_at_its_head_that_the_host_is_there() -> None:
    may_end = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(chunked(b"data: 1\n\n"))
        await may_end.wait()
        await connection.send(chunk(b""))

    async with world() as one, raw_server(script) as server:
        host = Circuit("host", server.url.removeprefix("http://"))
        for _ in range(2):
            with one.circuits.enter(host) as passage:
                passage.fail()
        one.clock.now += 1
        asked = asyncio.create_task(post(one.at(server.url)))
        while one.is_open(server.url) or not server.connections:
            assert not asked.done()
            await asyncio.sleep(0)
        for _ in range(1_000):
            await asyncio.sleep(0)
        one.circuits.check(host)
        may_end.set()
        assert (await asked)[0] == 200


@pytest.mark.parametrize("kind", ["reset", "garbage"])
async def test_a_connection_that_was_made_and_then_fails_is_no_failure_of_the_host(
    kind: str,
) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        if kind == "reset":
            connection.reset()
        else:
            await connection.send(b"what?\r\n\r\n")

    async with world() as one, raw_server(script) as server:
        for _ in range(5):
            error = await failure(one.at(server.url))
            assert isinstance(error, (Unreachable, BadReply))
            assert not error.is_refused


async def test_a_receivers_own_fault_is_no_verdict() -> None:
    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(reply(b"fine", "content-encoding: odd"))

    async with world() as one, raw_server(script) as server:
        for _ in range(5):
            assert isinstance(await failure(one.at(server.url)), BadReply)


async def test_a_request_that_is_cancelled_counts_as_nothing() -> None:
    came = asyncio.Queue[int]()

    async def script(connection: Connection) -> None:
        await connection.request()
        came.put_nowait(connection.number)
        await connection.gone()

    async with world() as one, raw_server(script) as server:
        for _ in range(5):
            asked = asyncio.create_task(post(one.at(server.url)))
            await came.get()
            asked.cancel()
            await asyncio.wait([asked])
        assert not one.is_open(server.url)


async def test_errors_say_whether_the_upstream_knows_of_the_request() -> None:
    async with world() as one:
        error: UpstreamError = await failure(one.at(refusing()))
        assert error.is_refused
