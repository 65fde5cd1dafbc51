"""One HTTP/1.1 connection over real sockets: replies however they are cut, and what it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.upstreams.connection import Connection, NotHTTPError
from tests.support.clock import skipping_clock
from tests.upstreams.raw_server import (
    PATIENCE_S,
    RawServer,
    Script,
    chunk,
    chunked,
    raw_server,
    reply,
)
from tests.upstreams.raw_server import Connection as Peer

REQUEST = b"GET / HTTP/1.1\r\nhost: test\r\n\r\n"


@asynccontextmanager
async def connected(server: RawServer) -> AsyncIterator[Connection]:
    host, port = server.url.removeprefix("http://").split(":")
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, host, int(port))
    try:
        yield connection
    finally:
        connection.close()


def answering(*parts: bytes, then: Script | None = None) -> Script:
    """A server that sends parts, each when the one before has surely been sent by itself."""

    async def script(peer: Peer) -> None:
        await peer.request()
        for part in parts:
            await peer.send(part)
            await asyncio.sleep(0)
        if then is not None:
            await then(peer)

    return script


async def body_of(connection: Connection) -> bytes:
    parts = []
    while part := await connection.read(PATIENCE_S):
        parts.append(part)
    return b"".join(parts)


async def rest_of(connection: Connection) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    status, headers = await connection.head(PATIENCE_S)
    return status, headers, await body_of(connection)


async def exchange(connection: Connection) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    connection.send(REQUEST)
    return await rest_of(connection)


REPLIES = {
    "length": (reply(b"some body", "x-a: 1"), b"some body"),
    "chunked": (chunked(b"some", b" ", b"body") + chunk(b""), b"some body"),
    "interim": (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + reply(b"some body"), b"some body"),
    "empty": (reply(b"", status="204 No Content"), b""),
    "to the end": (b"HTTP/1.1 200 OK\r\n\r\nsome body", b"some body"),
}


@pytest.mark.parametrize("kind", REPLIES)
@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_a_reply_is_the_same_however_it_is_cut(kind: str, size: int) -> None:
    data, body = REPLIES[kind]
    parts = [data[place : place + size] for place in range(0, len(data), size)]
    async with raw_server(answering(*parts)) as server, connected(server) as connection:
        status, headers, read = await asyncio.wait_for(exchange(connection), PATIENCE_S)
    assert (status, read) == (204 if kind == "empty" else 200, body)
    assert (b"link", b"x") not in headers


async def test_a_connection_serves_one_exchange_after_another() -> None:
    async def script(peer: Peer) -> None:
        for number in range(3):
            await peer.request()
            await peer.send(reply(b"%d" % number))
        await peer.gone()

    async with raw_server(script) as server, connected(server) as connection:
        for number in range(3):
            assert (await exchange(connection))[2] == b"%d" % number
            assert connection.rest()


async def test_a_second_reply_is_not_taken_for_that_to_the_next_request() -> None:
    script = answering(reply(b"yours") + reply(b"somebody else's"), then=Peer.gone)
    async with raw_server(script) as server, connected(server) as connection:
        assert (await exchange(connection))[2] == b"yours"
        assert not connection.rest()


async def test_what_comes_when_nobody_has_asked_ends_the_connection() -> None:
    rested = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(reply(b"yours"))
        await rested.wait()
        await peer.send(reply(b"unasked"))
        await peer.gone()

    async with raw_server(script) as server, connected(server) as connection:
        await exchange(connection)
        assert connection.rest()
        rested.set()
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)
        assert not connection.is_open


@pytest.mark.parametrize(
    "data",
    [
        reply(b"bye", "connection: close"),
        b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nbye",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nnot all",
    ],
)
async def test_a_connection_that_cannot_go_on_does_not_rest(data: bytes) -> None:
    script = answering(data, then=Peer.gone)
    async with raw_server(script) as server, connected(server) as connection:
        connection.send(REQUEST)
        await connection.head(PATIENCE_S)
        await connection.read(PATIENCE_S)
        assert not connection.rest()


@pytest.mark.parametrize(
    "data", [b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"]
)
async def test_what_is_not_http_is_said_to_be_none(data: bytes) -> None:
    async with raw_server(answering(data, then=Peer.gone)) as server, connected(server) as one:
        one.send(REQUEST)
        with pytest.raises(NotHTTPError):
            await one.head(PATIENCE_S)
        assert not one.is_open


@pytest.mark.parametrize("line", [b"x: " + b"y" * 4_000 + b"\r\n", b"y" * 4_000])
async def test_a_head_that_never_ends_is_refused(line: bytes) -> None:
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nx: ")
        with suppress(OSError):
            while True:
                await peer.send(line)
                sent += len(line)

    async with raw_server(script) as server, connected(server) as connection:
        connection.send(REQUEST)
        with pytest.raises(NotHTTPError):
            await asyncio.wait_for(connection.head(PATIENCE_S), PATIENCE_S)
    assert sent < 32 * 1024 * 1024


@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_body_that_breaks_is_never_taken_for_a_whole_one(*, is_reset: bool) -> None:
    async def then(peer: Peer) -> None:
        if is_reset:
            peer.reset()

    script = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", then=then)
    async with raw_server(script) as server, connected(server) as connection:
        connection.send(REQUEST)
        with pytest.raises(ConnectionResetError):
            await rest_of(connection)
        assert connection.has_answered


async def test_it_has_not_answered_when_it_breaks_before() -> None:
    async with raw_server(answering()) as server, connected(server) as connection:
        connection.send(REQUEST)
        with pytest.raises(ConnectionResetError):
            await connection.head(PATIENCE_S)
        assert not connection.has_answered


async def test_a_reader_that_does_not_read_holds_the_server_up() -> None:
    block = chunk(b"x" * 65_536)
    sent = 0
    is_held_up = asyncio.Event()

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(chunked())
        for _ in range(1_000):
            sending = asyncio.ensure_future(peer.send(block))
            done, _ = await asyncio.wait([sending], timeout=0.2)
            if not done:
                is_held_up.set()
            await sending
            sent += 65_536
        await peer.send(chunk(b""))

    async with raw_server(script) as server, connected(server) as connection:
        connection.send(REQUEST)
        await connection.head(PATIENCE_S)
        await asyncio.wait_for(is_held_up.wait(), PATIENCE_S)
        assert sent < 32 * 1024 * 1024
        assert len(await body_of(connection)) == 65_536 * 1_000


async def test_the_time_counts_from_what_came_last() -> None:
    go_on = asyncio.Queue[None]()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(b"a"))
        for _ in range(2):
            await go_on.get()
            await peer.send(chunk(b"b"))
        await peer.gone()

    with skipping_clock() as clock:
        async with raw_server(script) as server, connected(server) as connection:
            connection.send(REQUEST)
            await connection.head(60)
            assert await connection.read(60) == b"a"
            for _ in range(2):
                clock.skip(50)
                go_on.put_nowait(None)
                assert await connection.read(60) == b"b"
            waiting = asyncio.create_task(connection.read(60))
            await asyncio.sleep(0)
            clock.skip(61)
            with pytest.raises(TimeoutError):
                await waiting


class Taker:
    """Takes what is offered, while it is willing."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.is_willing = True
        self.was_offered = asyncio.Event()

    def __call__(self, part: bytes) -> bool:
        self.was_offered.set()
        if self.is_willing:
            self.taken.append(part)
        return self.is_willing


async def test_what_arrives_while_somebody_waits_is_offered_and_what_is_taken_is_not_read() -> None:
    go_on = asyncio.Queue[bytes]()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(b"first"))
        while part := await go_on.get():
            await peer.send(part)

    taker = Taker()
    async with raw_server(script) as server, connected(server) as connection:
        connection.send(REQUEST)
        await connection.head(PATIENCE_S)
        assert await connection.read(PATIENCE_S) == b"first"
        connection.offer(taker)
        reading = asyncio.create_task(connection.read(PATIENCE_S))
        await asyncio.sleep(0)
        go_on.put_nowait(chunk(b"taken"))
        await asyncio.wait_for(taker.was_offered.wait(), PATIENCE_S)
        assert taker.taken == [b"taken"]
        assert not reading.done()
        taker.is_willing = False
        go_on.put_nowait(chunk(b"not taken"))
        assert await reading == b"not taken"
        taker.is_willing = True
        last = asyncio.create_task(connection.read(PATIENCE_S))
        await asyncio.sleep(0)
        go_on.put_nowait(chunk(b"the end") + chunk(b""))
        assert await last == b"the end"
        assert await connection.read(PATIENCE_S) == b""
        assert taker.taken == [b"taken"]
        go_on.put_nowait(b"")


async def test_nothing_is_offered_while_nobody_waits() -> None:
    taker = Taker()
    is_offered, is_sent, is_checked = (asyncio.Event() for _ in range(3))

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(b"first"))
        await is_offered.wait()
        await peer.send(chunk(b"second"))
        is_sent.set()
        await is_checked.wait()
        await peer.send(chunk(b""))
        await peer.gone()

    async with raw_server(script) as server, connected(server) as connection:
        connection.send(REQUEST)
        await connection.head(PATIENCE_S)
        assert await connection.read(PATIENCE_S) == b"first"
        connection.offer(taker)
        is_offered.set()
        await is_sent.wait()
        for _ in range(50):
            await asyncio.sleep(0)  # all that has been sent is taken in
        assert taker.taken == []
        is_checked.set()
        assert await body_of(connection) == b"second"


async def test_several_parts_that_arrive_together_are_read_together() -> None:
    taker = Taker()
    is_awaited = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(b"first"))
        await is_awaited.wait()
        await peer.send(chunk(b"one") + chunk(b"two"))
        await peer.gone()

    async with raw_server(script) as server, connected(server) as connection:
        connection.send(REQUEST)
        await connection.head(PATIENCE_S)
        await connection.read(PATIENCE_S)
        connection.offer(taker)
        reading = asyncio.create_task(connection.read(PATIENCE_S))
        await asyncio.sleep(0)
        is_awaited.set()
        assert await asyncio.wait_for(reading, PATIENCE_S) == b"onetwo"
        assert taker.taken == []


async def test_a_connection_whose_long_reply_was_not_read_does_not_rest() -> None:
    async with (
        raw_server(answering(reply(b"x" * 70_000), then=Peer.gone)) as server,
        connected(server) as connection,
    ):
        connection.send(REQUEST)
        await connection.head(PATIENCE_S)
        for _ in range(200):
            await asyncio.sleep(0)
        assert not connection.rest()


async def test_a_connection_whose_request_was_not_sent_in_full_does_not_rest() -> None:
    async def script(peer: Peer) -> None:
        await peer._reader.readuntil(b"\r\n\r\n")
        await peer.send(reply(b"too much"))
        await asyncio.Event().wait()

    body = b"x" * 30_000_000
    request = b"POST / HTTP/1.1\r\nhost: test\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with raw_server(script) as server, connected(server) as connection:
        connection.send(request + body)
        assert (await rest_of(connection))[2] == b"too much"
        assert not connection.rest()


async def test_time_goes_on_from_what_was_taken() -> None:
    go_on = asyncio.Queue[None]()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(chunked(b"first"))
        while True:
            await go_on.get()
            await peer.send(chunk(b"more"))

    taker = Taker()
    with skipping_clock() as clock:
        async with raw_server(script) as server, connected(server) as connection:
            connection.send(REQUEST)
            await connection.head(60)
            await connection.read(60)
            connection.offer(taker)
            reading = asyncio.create_task(connection.read(60))
            for _ in range(3):
                await asyncio.sleep(0)
                clock.skip(50)
                taker.was_offered.clear()
                go_on.put_nowait(None)
                await asyncio.wait_for(taker.was_offered.wait(), 600)
            assert not reading.done()
            clock.skip(61)
            with pytest.raises(TimeoutError):
                await reading


headers = st.lists(
    st.tuples(
        st.sampled_from([b"x-a", b"X-B", b"set-cookie"]), st.sampled_from([b"1", b"a b", b""])
    ),
    max_size=3,
)
bodies = st.lists(st.binary(min_size=1, max_size=20), max_size=4)


@settings(max_examples=40)
@given(st.sampled_from([200, 201, 404, 503]), headers, bodies, st.booleans(), st.integers(1, 30))
def test_any_reply_is_read_as_it_was_sent(
    status: int,
    given_headers: list[tuple[bytes, bytes]],
    parts: list[bytes],
    is_chunked: bool,  # noqa: FBT001  # hypothesis passes it
    size: int,
) -> None:
    body = b"".join(parts)
    framing = b"transfer-encoding: chunked" if is_chunked else b"content-length: %d" % len(body)
    lines = [b"HTTP/1.1 %d X" % status, framing, *(b"%b: %b" % each for each in given_headers)]
    head = b"\r\n".join([*lines, b"", b""])
    data = head + (b"".join(map(chunk, [*parts, b""])) if is_chunked else body)
    pieces = [data[place : place + size] for place in range(0, len(data), size)]

    async def run() -> None:
        async with raw_server(answering(*pieces)) as server, connected(server) as connection:
            found = await asyncio.wait_for(exchange(connection), PATIENCE_S)
        assert (found[0], found[2]) == (status, body)
        assert found[1][1:] == given_headers

    asyncio.run(run())
