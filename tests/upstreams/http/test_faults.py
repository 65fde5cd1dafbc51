"""What goes wrong on the way to an upstream, on real sockets and as the transport tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
import respx

from proxy.errors import BadReply, Unreachable, UpstreamError, UpstreamTimeout
from tests.support.clock import LIMIT_S, skipping_clock
from tests.support.peers import closing, once, refusing, resetting, stalling, unreachable
from tests.upstreams.endpoints import BASE_URL, connected, endpoint, post, served
from tests.upstreams.raw_server import PATIENCE_S, Connection, Script, chunked, reply

# Faults of real connections


async def test_a_refused_connection_is_unreachable() -> None:
    async with connected(refusing()) as upstream:
        with pytest.raises(Unreachable, match="Upstream could not be reached"):
            await post(upstream)


async def test_a_connection_that_is_not_accepted_in_time_is_a_time_out() -> None:
    with unreachable() as url:
        async with connected(url, connect_timeout_s=LIMIT_S) as upstream:
            with pytest.raises(UpstreamTimeout, match="did not answer in time"):
                await post(upstream)


async def test_a_reply_that_does_not_begin_in_time_is_a_time_out_and_not_asked_for_again() -> None:
    with skipping_clock() as clock:
        async with served(stalling(clock)) as (server, upstream):
            with pytest.raises(UpstreamTimeout):
                await post(upstream, timeout_s=LIMIT_S)
            assert server.connections == 1


async def test_a_reply_that_stops_in_the_middle_is_a_time_out() -> None:
    with skipping_clock() as clock:
        async with served(stalling(clock, chunked(b"one"))) as (server, upstream):
            with pytest.raises(UpstreamTimeout):
                await post(upstream, timeout_s=LIMIT_S)
            await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


@pytest.mark.parametrize("script", [closing, resetting])
async def test_what_was_sent_over_a_new_connection_is_never_sent_twice(script: Script) -> None:
    async with served(script) as (server, upstream):
        with pytest.raises(Unreachable, match="The connection to Upstream broke"):
            await post(upstream)
        assert server.connections == 1


async def test_a_kept_connection_that_is_found_closed_is_replaced() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(reply(b"%d" % connection.number))
        await connection.request()

    async with served(script) as (server, upstream):
        assert await post(upstream) == (200, b"1")
        assert await post(upstream) == (200, b"2")
        assert server.connections == 2


@pytest.mark.parametrize("then", [None, Connection.reset])
async def test_a_connection_that_breaks_in_mid_body_is_unreachable_and_not_made_again(
    then: Callable[[Connection], None] | None,
) -> None:
    half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"
    async with served(once(half, then=then)) as (server, upstream):
        with pytest.raises(Unreachable, match="The connection to Upstream broke"):
            await post(upstream)
        assert server.connections == 1


# Faults as the transport reports them


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (httpx.ConnectError("no"), Unreachable),
        (httpx.ConnectTimeout("no"), UpstreamTimeout),
        (httpx.ReadTimeout("no"), UpstreamTimeout),
        (httpx.ReadError("no"), Unreachable),
        (httpx.UnsupportedProtocol("no"), Unreachable),
        (httpx.RemoteProtocolError("no"), BadReply),
        (ConnectionAbortedError("no"), Unreachable),
    ],
)
async def test_a_fault_of_the_transport_is_an_error_of_the_upstream(
    fault: Exception, expected: type[UpstreamError]
) -> None:
    router = respx.MockRouter()
    route = router.post(f"{BASE_URL}/ask").mock(side_effect=fault)
    with pytest.raises(expected) as caught:
        await post(endpoint(BASE_URL, httpx.MockTransport(router.async_handler)))
    assert route.call_count == 1
    assert type(caught.value) is expected
    assert caught.value.upstream == "Upstream"
    assert str(caught.value.__cause__) == "no"


async def test_what_was_not_the_connections_fault_stays_as_it_is() -> None:
    router = respx.MockRouter()
    router.post(f"{BASE_URL}/ask").mock(side_effect=LookupError("a bug"))
    with pytest.raises(LookupError, match="a bug"):
        await post(endpoint(BASE_URL, httpx.MockTransport(router.async_handler)))
