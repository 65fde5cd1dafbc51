"""The pool: which connections are used again, for whom, and how long they are kept."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvloop

from proxy.errors import Unreachable
from proxy.tasks import Behind
from proxy.upstreams.http.connection import NotAnsweredError
from proxy.upstreams.http.faults import (
    BrokenError,
    ConnectError,
    ConnectTimeout,
    NotHTTPReplyError,
    ReadTimeout,
)
from proxy.upstreams.http.pool import PooledTransport, _serialize
from tests.support.clock import LIMIT_S, skipping_clock
from tests.support.peers import numbering, refusing, unaccepting
from tests.upstreams.endpoints import endpoint, post
from tests.upstreams.raw_server import (
    PATIENCE_S,
    Connection,
    chunk,
    chunked,
    raw_server,
    reply,
)
from tests.upstreams.secure_server import secure_server, trust
from tests.upstreams.wires import Heard, cancel, request_to, settled


@asynccontextmanager
async def pool(certificates: ssl.SSLContext | None = None) -> AsyncIterator[PooledTransport]:
    opened = PooledTransport(certificates or ssl.create_default_context())
    try:
        yield opened
    finally:
        await opened.aclose()


async def get(
    transport: PooledTransport,
    url: str,
    *,
    timeout_s: float = PATIENCE_S,
    connect_timeout_s: float = PATIENCE_S,
) -> bytes:
    heard = Heard(timeout_s)
    await transport.exchange(request_to(url), heard, connect_timeout_s)
    return heard.body


def begun(transport: PooledTransport, url: str, heard: Heard) -> asyncio.Task[None]:
    return asyncio.create_task(transport.exchange(request_to(url), heard, PATIENCE_S))


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (None, b"GET /v1?a=b HTTP/1.1\r\nhost: here:81\r\n\r\n"),
        (b"", b"GET /v1?a=b HTTP/1.1\r\nhost: here:81\r\ncontent-length: 0\r\n\r\n"),
        (b"{}", b"GET /v1?a=b HTTP/1.1\r\nhost: here:81\r\ncontent-length: 2\r\n\r\n{}"),
    ],
)
def test_a_request_is_what_http_asks_for(body: bytes | None, sent: bytes) -> None:
    assert _serialize(request_to("http://here:81/v1?a=b", body=body)) == sent


async def test_a_connection_is_used_again() -> None:
    async with raw_server(numbering) as server, pool() as transport:
        assert [await get(transport, server.url) for _ in range(3)] == [b"1"] * 3


async def test_the_connection_that_rested_last_is_used_first() -> None:
    both_came = asyncio.Barrier(2)

    async def script(connection: Connection) -> None:
        await connection.request()
        await both_came.wait()
        while True:
            await connection.send(reply(b"%d" % connection.number))
            await connection.request()

    async with raw_server(script) as server, pool() as transport:
        await asyncio.gather(get(transport, server.url), get(transport, server.url))
        last = await get(transport, server.url)
        assert [await get(transport, server.url) for _ in range(3)] == [last] * 3


async def test_servers_share_no_connection() -> None:
    async with raw_server(numbering) as one, raw_server(numbering) as two, pool() as transport:
        for _ in range(2):
            await get(transport, one.url)
            await get(transport, two.url)
        assert (one.connections, two.connections) == (1, 1)


async def test_names_of_one_server_share_no_connection() -> None:
    async with raw_server(numbering) as server, pool() as transport:
        assert await get(transport, server.url) == b"1"
        assert await get(transport, server.url.replace("127.0.0.1", "localhost")) == b"2"
        assert await get(transport, server.url) == b"1"


async def test_a_secure_request_is_never_sent_over_a_connection_that_is_not() -> None:
    heard: list[bytes] = []

    async def script(connection: Connection) -> None:
        if connection.number == 2:
            await clock.run_out()
        heard.append(await connection.request())
        await connection.send(reply(b"1"))
        await connection.request()
        heard.append(b"more")

    with skipping_clock() as clock:
        async with raw_server(script) as server, pool() as transport:
            assert await get(transport, server.url) == b"1"
            secure = server.url.replace("http:", "https:")
            with pytest.raises((ConnectError, ConnectTimeout)):
                await get(transport, secure, connect_timeout_s=LIMIT_S)
            assert server.connections == 2
            assert len(heard) == 1


async def test_a_request_waits_for_no_connection_of_another_and_both_are_kept() -> None:
    both_came = asyncio.Barrier(2)

    async def script(connection: Connection) -> None:
        await connection.request()
        await both_came.wait()
        await connection.send(reply(b"%d" % connection.number))
        await numbering(connection)

    async with raw_server(script) as server, pool() as transport:
        both = await asyncio.gather(*(get(transport, server.url) for _ in range(2)))
        assert set(both) == {b"1", b"2"}
        again = await asyncio.gather(*(get(transport, server.url) for _ in range(2)))
        assert set(again) == {b"1", b"2"}
        assert server.connections == 2


async def test_a_receiver_hears_nothing_of_the_reply_after_its_own() -> None:
    async def script(connection: Connection) -> None:
        for number in range(2):
            await connection.request()
            await connection.send(reply(b"%d" % number))
        await connection.gone()

    async with raw_server(script) as server, pool() as transport:
        first, second = Heard(), Heard()
        await transport.exchange(request_to(server.url), first, PATIENCE_S)
        await transport.exchange(request_to(server.url), second, PATIENCE_S)
        assert (first.body, second.body) == (b"0", b"1")
        assert server.connections == 1


async def test_a_cancelled_request_leaves_no_connection_for_another() -> None:
    has_come = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        has_come.set()
        if connection.number == 1:
            await connection.gone()
        await connection.send(reply(b"%d" % connection.number))
        await connection.gone()

    async with raw_server(script) as server, pool() as transport:
        asking = asyncio.create_task(get(transport, server.url))
        await asyncio.wait_for(has_come.wait(), PATIENCE_S)
        await cancel(asking)
        assert await get(transport, server.url) == b"2"
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


async def test_a_reply_that_was_not_heard_to_its_end_leaves_no_connection_for_another() -> None:
    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(chunked(b"%d" % connection.number))

    async with raw_server(script) as server, pool() as transport:
        for number in (b"1", b"2"):
            heard = Heard()
            asking = begun(transport, server.url, heard)
            await heard.until_heard(1)
            assert heard.body == number
            await cancel(asking)


async def test_a_receiver_that_objects_leaves_no_connection_for_another() -> None:
    class Objecting(Heard):
        def feed(self, part: bytes) -> Behind:
            raise LookupError(part)

    async with raw_server(numbering) as server, pool() as transport:
        with pytest.raises(LookupError):
            await transport.exchange(request_to(server.url), Objecting(), PATIENCE_S)
        assert await get(transport, server.url) == b"2"


async def test_a_receiver_that_was_behind_at_the_end_leaves_its_connection_for_another() -> None:
    async with raw_server(numbering) as server, pool() as transport:
        for _ in range(3):
            heard = Heard()
            behind = heard.fall_behind()
            asking = begun(transport, server.url, heard)
            await heard.until_heard(1)
            await settled()
            assert not asking.done()
            behind.set_result(None)
            await asyncio.wait_for(asking, PATIENCE_S)
            assert heard.body == b"1"


async def test_a_connection_that_has_rested_too_long_is_not_used_again() -> None:
    with skipping_clock() as clock:
        async with raw_server(numbering) as server, pool() as transport:
            assert await get(transport, server.url) == b"1"
            clock.skip(14)
            assert await get(transport, server.url) == b"1"
            clock.skip(16)
            assert await get(transport, server.url) == b"2"


async def test_connections_that_rest_too_long_are_closed() -> None:
    with skipping_clock() as clock:
        async with raw_server(numbering) as server, pool() as transport:
            await get(transport, server.url)
            clock.skip(31)
            await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


async def test_only_what_rests_too_long_is_closed_and_the_rest_in_its_turn() -> None:
    ended = asyncio.Queue[int]()
    both_came = asyncio.Barrier(2)

    async def script(connection: Connection) -> None:
        await connection.request()
        await both_came.wait()
        await connection.send(reply(b"%d" % connection.number))
        await connection.request()
        await connection.send(reply(b"%d" % connection.number))
        await connection.gone()
        ended.put_nowait(connection.number)

    with skipping_clock() as clock:
        async with raw_server(script) as server, pool() as transport:
            await asyncio.gather(get(transport, server.url), get(transport, server.url))
            clock.skip(10)
            last = int(await get(transport, server.url))
            clock.skip(6)
            # The one that was used once ends by itself, for its script waits for a request.
            await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)
            assert ended.empty()
            clock.skip(16)
            assert await asyncio.wait_for(ended.get(), PATIENCE_S) == last


async def test_one_that_the_server_has_closed_is_not_used_again() -> None:
    closed = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(reply(b"%d" % connection.number))
        closed.set()

    async with raw_server(script) as server, pool() as transport:
        assert await get(transport, server.url) == b"1"
        await closed.wait()
        for _ in range(20):
            await asyncio.sleep(0)  # its end is taken in
        assert await get(transport, server.url) == b"2"


async def test_one_that_the_server_gives_up_is_not_used_again_though_it_is_open() -> None:
    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(reply(b"%d" % connection.number, "connection: close"))

    async with raw_server(script) as server, pool() as transport:
        assert await get(transport, server.url) == b"1"
        assert await get(transport, server.url) == b"2"
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


async def test_closing_the_pool_closes_what_rests() -> None:
    async with raw_server(numbering) as server:
        async with pool() as transport:
            await get(transport, server.url)
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


async def test_closing_the_pool_leaves_a_reply_that_is_being_heard() -> None:
    go_on = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf")
        await go_on.wait()
        await connection.send(b"half")
        await connection.gone()

    async with raw_server(script) as server, pool() as transport:
        heard = Heard()
        asking = begun(transport, server.url, heard)
        await heard.until_heard(4)
        await transport.aclose()
        go_on.set()
        await asking
        assert heard.body == b"halfhalf"


async def test_what_goes_wrong_is_told_by_its_kind() -> None:
    async def script(connection: Connection) -> None:
        request = await connection.request()
        if b"silent" in request:
            await clock.run_out()
            await connection.gone()
        if b"half" in request:
            await connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
        if b"none" in request:
            await connection.send(b"SSH-2.0\r\n\r\n")

    with skipping_clock() as clock:
        async with raw_server(script) as server, pool() as transport:
            with pytest.raises(BrokenError) as caught:
                await get(transport, server.url)
            assert isinstance(caught.value.__cause__, NotAnsweredError)
            with pytest.raises(BrokenError) as caught:
                await get(transport, f"{server.url}/half")
            assert isinstance(caught.value.__cause__, ConnectionResetError)
            with pytest.raises(NotHTTPReplyError):
                await get(transport, f"{server.url}/none")
            with pytest.raises(ReadTimeout):
                await get(transport, f"{server.url}/silent", timeout_s=LIMIT_S)


async def test_a_name_that_leads_nowhere_is_a_connect_error() -> None:
    async with pool() as transport:
        for host in ("no-such-host.invalid", "a..b"):
            with pytest.raises(ConnectError):
                await get(transport, f"http://{host}/")


# More than one address


@pytest.fixture
def answering_port() -> Iterator[int]:
    """Where a server answers one request, in a thread: its client has a loop of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            accepted, _ = listener.accept()
            with accepted:
                accepted.recv(65_536)
                accepted.sendall(reply(b"yes"))

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(PATIENCE_S)


class Resolver(asyncio.SelectorEventLoop):
    """An event loop for which every name has the given addresses."""

    def __init__(self, *addresses: tuple[str, int]) -> None:
        super().__init__()
        self._addresses = addresses

    async def getaddrinfo(self, *_: Any, **__: Any) -> Any:
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, address) for address in self._addresses]


def address(url: str) -> tuple[str, int]:
    to = httpx.URL(url)
    assert to.port
    return to.host, to.port


def asked_at(*addresses: tuple[str, int]) -> bytes:
    async def ask() -> bytes:
        async with pool() as transport:
            return await get(transport, "http://many.test/")

    with asyncio.Runner(loop_factory=lambda: Resolver(*addresses)) as runner:
        return runner.run(ask())


def test_an_address_that_refuses_gives_way_to_the_next(answering_port: int) -> None:
    assert asked_at(address(refusing()), ("127.0.0.1", answering_port)) == b"yes"


def test_an_address_that_is_silent_gives_way_to_the_next(answering_port: int) -> None:
    with unaccepting() as silent:
        assert asked_at(address(silent), ("127.0.0.1", answering_port)) == b"yes"


def test_a_name_of_which_no_address_answers_is_a_connect_error() -> None:
    with pytest.raises(ConnectError):
        asked_at(*[address(refusing())] * 2)


# TLS


async def test_a_server_with_a_known_certificate_is_spoken_to_over_tls() -> None:
    async with secure_server(numbering) as server, pool(trust()) as transport:
        assert [await get(transport, server.url) for _ in range(2)] == [b"1", b"1"]


async def test_a_server_with_an_unknown_certificate_is_not_spoken_to() -> None:
    async with secure_server(numbering) as server, pool() as transport:
        with pytest.raises(ConnectError):
            await get(transport, server.url)


async def test_a_certificate_for_another_name_is_refused() -> None:
    async with secure_server(numbering) as server, pool(trust()) as transport:
        with pytest.raises(ConnectError):
            await get(transport, server.url.replace("localhost", "127.0.0.1"))


async def test_a_bad_certificate_makes_an_upstream_unreachable() -> None:
    async with secure_server(numbering) as server, pool() as transport:
        with pytest.raises(Unreachable, match="Upstream could not be reached"):
            await post(endpoint(server.url, transport))


async def test_a_long_reply_comes_whole_over_tls() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(reply(b"0123456789" * 500_000))
        await connection.gone()

    async with secure_server(script) as server, pool(trust()) as transport:
        assert await get(transport, server.url) == b"0123456789" * 500_000


@pytest.mark.parametrize("loops", [asyncio.SelectorEventLoop, uvloop.new_event_loop])
def test_the_socket_is_not_read_while_a_receiver_is_behind_over_tls(
    loops: Any,
) -> None:
    async def run() -> tuple[int, int]:
        sent = 0

        async def script(connection: Connection) -> None:
            nonlocal sent
            await connection.request()
            await connection.send(chunked())
            for _ in range(30):
                await connection.send(chunk(b"x" * 1_000_000))
                sent += 1
            await connection.send(chunk(b""))
            await connection.gone()

        heard = Heard()
        behind = heard.fall_behind()
        async with secure_server(script) as server, pool(trust()) as transport:
            asking = begun(transport, server.url, heard)
            await heard.until_heard(1)
            for _ in range(2_000):
                await asyncio.sleep(0)
            while_behind = sent
            heard.behind = None
            behind.set_result(None)
            await asking
            return while_behind, len(heard.body)

    with asyncio.Runner(loop_factory=loops) as runner:
        while_behind, heard = runner.run(run())
    assert while_behind < 20
    assert heard == 30_000_000


async def test_a_reply_that_is_cut_short_over_tls_is_no_whole_one() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")

    async with secure_server(script) as server, pool(trust()) as transport:
        with pytest.raises(BrokenError):
            await get(transport, server.url)


async def test_a_server_that_does_not_answer_the_handshake_is_a_connect_time_out() -> None:
    async def script(connection: Connection) -> None:
        await clock.run_out()
        await connection.gone()

    with skipping_clock() as clock:
        async with raw_server(script) as server, pool() as transport:
            secure = server.url.replace("http:", "https:")
            with pytest.raises(ConnectTimeout):
                await get(transport, secure, connect_timeout_s=LIMIT_S)
            await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


async def test_cancelling_in_the_handshake_closes_the_connection() -> None:
    has_come = asyncio.Event()

    async def script(connection: Connection) -> None:
        has_come.set()
        await connection.gone()

    async with raw_server(script) as server, pool() as transport:
        asking = asyncio.create_task(get(transport, server.url.replace("http:", "https:")))
        await asyncio.wait_for(has_come.wait(), PATIENCE_S)
        await cancel(asking)
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)
