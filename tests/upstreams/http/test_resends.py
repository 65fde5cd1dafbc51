"""When a request is sent again, over real sockets: completions and searches are billed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import pytest

from proxy.errors import Unreachable, UpstreamTimeout
from proxy.upstreams.http.endpoint import Endpoint
from proxy.upstreams.http.pool import PooledTransport
from tests.support.clock import LIMIT_S, skipping_clock
from tests.support.peers import always, numbering, once, refusing, unreachable
from tests.upstreams.endpoints import connected, failure, post, served
from tests.upstreams.raw_server import PATIENCE_S, Connection, Script, raw_server, reply

YES = reply(b"yes")


def dying(
    *, number: int, came: list[int], is_reset: bool, says: bytes = b"", revives: bool = True
) -> Script:
    """A server whose first `number` connections answer once, all together, and die when used again.

    `came` gets the number of the connection of each request; `says` is what comes before the end.
    """
    all_came = asyncio.Barrier(number)

    async def script(connection: Connection) -> None:
        await connection.request()
        came.append(connection.number)
        if connection.number <= number:
            await all_came.wait()
            await connection.send(YES)
            await connection.request()
            came.append(connection.number)
            await connection.send(says)
        elif revives:
            await connection.send(YES)
            await connection.request()
            came.append(connection.number)
            await connection.send(YES)
            await connection.gone()
        if is_reset:
            connection.reset()

    return script


async def warm(upstream: Endpoint, number: int) -> None:
    await asyncio.gather(*(post(upstream) for _ in range(number)))


@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_request_that_met_a_dead_connection_is_sent_once_more_over_a_new_one(
    *, is_reset: bool
) -> None:
    came: list[int] = []
    script = dying(number=1, came=came, is_reset=is_reset)
    async with served(script) as (_, upstream):
        await warm(upstream, 1)
        assert await post(upstream) == (200, b"yes")
        assert came == [1, 1, 2]


@pytest.mark.parametrize("is_reset", [False, True])
async def test_one_dead_connection_of_forty_tells_of_all(*, is_reset: bool) -> None:
    came: list[int] = []
    script = dying(number=40, came=came, is_reset=is_reset)
    async with served(script) as (_, upstream):
        await warm(upstream, 40)
        came.clear()
        assert await post(upstream) == (200, b"yes")
        assert len(came) == 2
        assert came[1] == 41
        came.clear()
        both = await asyncio.gather(post(upstream), post(upstream))
        assert set(both) == {(200, b"yes")}
        assert sorted(came) == [41, 42]


async def test_requests_that_all_meet_dead_connections_are_all_answered() -> None:
    came: list[int] = []
    script = dying(number=20, came=came, is_reset=True)
    async with served(script) as (server, upstream):
        await warm(upstream, 20)
        answers = await asyncio.gather(*(post(upstream) for _ in range(20)))
        assert answers == [(200, b"yes")] * 20
        assert server.connections == 40


@pytest.mark.parametrize("is_reset", [False, True])
async def test_the_second_attempt_is_the_last(*, is_reset: bool) -> None:
    came: list[int] = []
    script = dying(number=1, came=came, is_reset=is_reset, revives=False)
    async with served(script) as (_, upstream):
        await warm(upstream, 1)
        with pytest.raises(Unreachable):
            await post(upstream)
        assert came == [1, 1, 2]


@pytest.mark.parametrize("says", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n", YES[:-1]])
async def test_a_request_of_which_an_answer_had_begun_is_not_sent_again(says: bytes) -> None:
    came: list[int] = []
    script = dying(number=1, came=came, is_reset=False, says=says)
    async with served(script) as (_, upstream):
        await warm(upstream, 1)
        with pytest.raises(Unreachable):
            await post(upstream)
        assert came == [1, 1]


@pytest.mark.parametrize("header", ["connection: close", "x-nothing: said"])
async def test_a_kept_connection_that_had_waited_too_long_is_replaced(header: str) -> None:
    came: list[int] = []
    says = reply(b"", header, status="408 Request Timeout")
    script = dying(number=1, came=came, is_reset=False, says=says)
    async with served(script) as (_, upstream):
        await warm(upstream, 1)
        assert await post(upstream) == (200, b"yes")
        assert came == [1, 1, 2]


async def test_408_over_a_new_connection_is_an_answer() -> None:
    late = reply(b"late", status="408 Request Timeout")
    async with served(once(late, then=Connection.gone)) as (server, upstream):
        assert await post(upstream) == (408, b"late")
        assert server.connections == 1


async def test_dead_connections_to_one_server_leave_those_to_another() -> None:
    came: list[int] = []

    async with (
        raw_server(dying(number=2, came=came, is_reset=True)) as dead,
        raw_server(always(YES)) as other,
        connected(dead.url) as upstream,
    ):
        elsewhere = Endpoint("Other", other.url, "key", upstream.transport, 5)
        await warm(elsewhere, 1)
        await warm(upstream, 2)
        assert await post(upstream) == (200, b"yes")
        assert await post(elsewhere) == (200, b"yes")
        assert other.connections == 1


@contextmanager
def tries() -> Iterator[mock.Mock]:
    """Counts how often a connection is opened."""
    opening = PooledTransport._open
    with mock.patch.object(PooledTransport, "_open", autospec=True, side_effect=opening) as opened:
        yield opened


async def test_a_connection_is_tried_once_and_its_time_out_bounds_the_whole_request() -> None:
    with unreachable() as url, tries() as opened:
        async with connected(url, connect_timeout_s=LIMIT_S) as upstream:
            error = await failure(upstream)
    assert opened.call_count == 1
    assert (type(error), error.cause) == (UpstreamTimeout, "connect_timeout")


async def test_a_refused_connection_is_tried_once() -> None:
    with tries() as opened:
        async with connected(refusing()) as upstream:
            error = await failure(upstream)
    assert opened.call_count == 1
    assert (type(error), error.cause) == (Unreachable, "refused")


async def test_a_connection_that_is_always_in_use_is_replaced_when_it_is_too_old() -> None:
    with skipping_clock() as clock:
        async with served(numbering) as (server, upstream):
            told = []
            for _ in range(35):
                told.append(int((await post(upstream))[1]))
                clock.skip(10)
            assert told == [1] * 30 + [2] * 5
            await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)
