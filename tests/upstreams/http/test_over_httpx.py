"""Replies of httpx's transports, pushed into the same receivers as those of the pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.tasks import Behind
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
from proxy.upstreams.http.over_httpx import OverHttpx, _as_httpx
from proxy.upstreams.http.pool import _serialize
from proxy.upstreams.http.receiver import Feed, Headers
from tests.support.clock import skipping_clock
from tests.upstreams.raw_server import PATIENCE_S, Connection, chunked, raw_server, reply
from tests.upstreams.wires import Heard, cancel, ran_out, request_to, settled

URL = "https://upstream.test:8443/v1/chat/completions?a=b"


class Body(httpx.AsyncByteStream):
    """A body that tells how many of its parts were asked for, and whether it was closed."""

    def __init__(self, parts: Iterable[bytes], *, ends: bool = True) -> None:
        self._parts = tuple(parts)
        self._ends = ends
        self.asked_for = 0
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            self.asked_for += 1
            yield part
        if not self._ends:
            await asyncio.Event().wait()

    async def aclose(self) -> None:
        self.is_closed = True


def over(body: Body) -> OverHttpx:
    headers = [(b"X-A", b"1"), (b"x-a", b"2")]
    return OverHttpx(
        httpx.MockTransport(lambda _: httpx.Response(404, headers=headers, stream=body))
    )


def pushing(body: Body, heard: Heard) -> asyncio.Task[None]:
    work = over(body).exchange(request_to(URL), heard, 5)
    return asyncio.get_running_loop().create_task(work)


@given(st.sampled_from(["GET", "POST"]), st.none() | st.binary(max_size=200))
def test_a_request_of_httpx_is_sent_as_the_pool_sends_it(method: str, body: bytes | None) -> None:
    request = request_to(URL, method, body)
    made = _as_httpx(request, {})
    assert isinstance(made.stream, httpx.ByteStream)
    lines = [b"%b %b HTTP/1.1" % (made.method.encode(), made.url.raw_path)]
    lines += [b"%b: %b" % header for header in made.headers.raw]
    assert b"\r\n".join((*lines, b"", b"".join(made.stream))) == _serialize(request)
    assert (made.url.scheme, made.url.host, made.url.port) == request.origin


async def test_timeouts_go_along_with_the_request() -> None:
    made: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        made.append(request)
        return httpx.Response(200)

    await OverHttpx(httpx.MockTransport(answer)).exchange(request_to(URL), Heard(2.0), 1.0)
    assert made[0].extensions["timeout"] == {"connect": 1.0, "read": 2.0}


async def test_a_reply_is_heard_part_by_part_and_empty_parts_are_not() -> None:
    body, heard = Body([b"one", b"", b"two"]), Heard()
    await pushing(body, heard)
    assert heard.status == 404
    assert heard.headers == [(b"X-A", b"1"), (b"x-a", b"2")]
    assert heard.parts == [b"one", b"two"]
    assert body.is_closed


async def test_a_reply_of_a_real_server_is_heard_as_it_comes() -> None:
    go_on = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(chunked(b"one"))
        await go_on.wait()
        await connection.send(b"3\r\ntwo\r\n0\r\n\r\n")
        await connection.request()
        await connection.send(reply(b"again"))
        await connection.gone()

    heard = Heard()
    async with raw_server(script) as server:
        transport = OverHttpx(httpx.AsyncHTTPTransport())
        asking = asyncio.create_task(transport.exchange(request_to(server.url), heard, PATIENCE_S))
        await heard.until_heard(3)
        assert heard.parts == [b"one"]
        go_on.set()
        await asking
        assert heard.body == b"onetwo"
        again = Heard()
        await transport.exchange(request_to(server.url), again, PATIENCE_S)
        assert again.body == b"again"
        assert server.connections == 1
        await transport.aclose()


@pytest.mark.parametrize("where", ["head", "feed"])
async def test_what_a_receiver_raises_ends_the_exchange(where: str) -> None:
    class Objecting(Heard):
        def head(self, status: int, headers: Headers) -> Feed:
            if where == "head":
                raise LookupError(where)
            return super().head(status, headers)

        def feed(self, part: bytes) -> Behind:
            super().feed(part)
            raise LookupError(where)

    body, heard = Body([b"one", b"two"]), Objecting()
    with pytest.raises(LookupError, match=where):
        await pushing(body, heard)
    assert body.is_closed
    assert body.asked_for == (1 if where == "feed" else 0)


async def test_nothing_is_read_while_the_receiver_is_behind() -> None:
    body, heard = Body([b"one", b"two"]), Heard()
    behind = heard.fall_behind()
    asking = pushing(body, heard)
    await settled()
    assert (heard.parts, body.asked_for) == ([b"one"], 1)
    heard.behind = None
    behind.set_result(None)
    await asking
    assert heard.parts == [b"one", b"two"]


async def test_an_exchange_ends_only_when_its_receiver_has_caught_up() -> None:
    body, heard = Body([b"one"]), Heard()
    behind = heard.fall_behind()
    asking = pushing(body, heard)
    await settled()
    assert not asking.done()
    behind.set_result(None)
    await asking


async def test_what_a_receivers_future_raises_ends_the_exchange() -> None:
    body, heard = Body([b"one", b"two"]), Heard()
    heard.fall_behind().set_exception(LookupError("it has gone"))
    with pytest.raises(LookupError, match="it has gone"):
        await pushing(body, heard)
    assert body.is_closed


async def test_a_receivers_future_that_is_cancelled_ends_the_exchange() -> None:
    body, heard = Body([b"one", b"two"]), Heard()
    heard.fall_behind().cancel()
    with pytest.raises(asyncio.CancelledError):
        await pushing(body, heard)
    assert body.is_closed


async def test_cancelling_an_exchange_leaves_the_receivers_future() -> None:
    body, heard = Body([b"one", b"two"]), Heard()
    behind = heard.fall_behind()
    asking = pushing(body, heard)
    await settled()
    await cancel(asking)
    assert body.is_closed
    assert not behind.done()


async def test_cancelling_an_exchange_that_waits_for_more_closes_it() -> None:
    body, heard = Body([b"one"], ends=False), Heard()
    asking = pushing(body, heard)
    await heard.until_heard(3)
    await cancel(asking)
    assert body.is_closed


async def test_a_reply_that_stops_is_a_read_time_out() -> None:
    body, heard = Body([b"one"], ends=False), Heard(60)
    with skipping_clock() as clock:
        asking = pushing(body, heard)
        await heard.until_heard(3)
        await settled()
        clock.skip(59)
        await settled()
        assert not asking.done()
        clock.skip(2)
        await ran_out(asking, ReadTimeout)
    assert body.is_closed


async def test_a_head_that_never_ends_is_a_read_time_out_however_its_bytes_trickle() -> None:
    class Dripping(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002
            await asyncio.Event().wait()
            raise AssertionError

    with skipping_clock() as clock:
        work = OverHttpx(Dripping()).exchange(request_to(URL), Heard(60), 5)
        asking = asyncio.get_running_loop().create_task(work)
        await settled()
        clock.skip(64)
        await settled()
        assert not asking.done()
        clock.skip(2)
        await ran_out(asking, ReadTimeout)


async def test_patience_that_wanes_with_a_part_counts_at_once() -> None:
    class Waning(Heard):
        def feed(self, part: bytes) -> Behind:
            self.patience_s = 1
            return super().feed(part)

    body, heard = Body([b"one"], ends=False), Waning(60)
    with skipping_clock() as clock:
        asking = pushing(body, heard)
        await heard.until_heard(3)
        await settled()
        clock.skip(2)
        await ran_out(asking, ReadTimeout)


async def test_time_while_the_receiver_is_behind_does_not_count() -> None:
    body, heard = Body([b"one", b"two"]), Heard(60)
    behind = heard.fall_behind()
    with skipping_clock() as clock:
        asking = pushing(body, heard)
        await heard.until_heard(3)
        clock.skip(1_000)
        await settled()
        assert not asking.done()
        heard.behind = None
        behind.set_result(None)
        await asking
        assert heard.body == b"onetwo"


async def test_closing_it_closes_its_transport() -> None:
    class Closing(httpx.AsyncBaseTransport):
        is_closed = False

        async def aclose(self) -> None:
            self.is_closed = True

    transport = Closing()
    await OverHttpx(transport).aclose()
    assert transport.is_closed


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (httpx.ConnectTimeout, ConnectTimeout),
        (httpx.PoolTimeout, ConnectTimeout),
        (httpx.ReadTimeout, ReadTimeout),
        (httpx.WriteTimeout, ReadTimeout),
        (httpx.ConnectError, ConnectError),
        (httpx.ProxyError, OutboundProxyError),
        (httpx.RemoteProtocolError, NotHTTPReplyError),
        (httpx.DecodingError, DecodingError),
        (httpx.ReadError, BrokenError),
        (httpx.WriteError, BrokenError),
        (httpx.UnsupportedProtocol, BrokenError),
    ],
)
@pytest.mark.parametrize("cause", [None, httpx.ConnectTimeout("late"), OSError("gone")])
async def test_what_httpx_raises_is_told_as_the_pool_tells_it(
    theirs: type[httpx.RequestError], ours: type[TransportError], cause: Exception | None
) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise theirs("said") from cause

    with pytest.raises(ours, match="said") as caught:
        await OverHttpx(httpx.MockTransport(answer)).exchange(request_to(URL), Heard(2.0), 1.0)
    assert type(caught.value) is ours
    told = caught.value.__cause__
    assert type(told) is (
        ConnectTimeout if isinstance(cause, httpx.ConnectTimeout) else type(cause)
    )
    assert str(told) == str(cause)
