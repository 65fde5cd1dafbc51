"""One HTTP/1.1 connection over real sockets: replies however they are cut, and what it refuses."""

from __future__ import annotations

import asyncio
import gc
import socket
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.upstreams.connection import Connection, Headers, NotHTTPError
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


async def rest_of(connection: Connection) -> tuple[int, Headers, bytes]:
    status, headers = await connection.head(PATIENCE_S)
    return status, headers, await body_of(connection)


async def exchange(connection: Connection) -> tuple[int, Headers, bytes]:
    connection.send(REQUEST)
    return await rest_of(connection)


class Wire:
    """The server's end of a pair of sockets: what is sent has arrived when `send` returns."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    async def send(self, data: bytes) -> None:
        self._end.sendall(data)
        await settled()

    async def flood(self, block: bytes, most: int) -> int:
        """Send blocks until the other side takes no more, or `most` bytes; how many it took."""
        sent = held_up = 0
        while sent < most and held_up < 2:
            try:
                sent += self._end.send(block[sent % len(block) :])
                held_up = 0
            except BlockingIOError:
                held_up += 1
                await settled()
            except OSError:  # it has hung up
                break
        return sent

    async def end(self) -> None:
        self._end.recv(65_536)  # a request that is not read would make the end a reset
        self._end.close()
        await settled()


async def settled() -> None:
    """Let the event loop look at its sockets, read from them and wake who waits for that."""
    for _ in range(5):
        await asyncio.sleep(0)


@asynccontextmanager
async def wired() -> AsyncIterator[tuple[Connection, Wire]]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)  # noqa: FBT003  # the socket's own way
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, sock=ours)
    try:
        yield connection, Wire(theirs)
    finally:
        connection.close()
        theirs.close()
        await settled()


class Told(NamedTuple):
    """What a connection makes of a reply, and whether another request may be sent on it."""

    status: int
    headers: Headers
    body: bytes
    rests: bool = True


async def told(*pieces: bytes, ends: bool = False) -> Told:
    """What is told of a reply that comes in pieces, and then the connection's end if it `ends`."""
    async with wired() as (connection, wire):
        connection.send(REQUEST)
        for piece in pieces:
            if connection.is_open:
                await wire.send(piece)
        if ends:
            await wire.end()
        found = await rest_of(connection)
        return Told(*found, rests=connection.rest())


def bytewise(data: bytes) -> list[bytes]:
    return [data[place : place + 1] for place in range(len(data))]


LENGTH = [(b"content-length", b"9")]
CHUNKED = [(b"transfer-encoding", b"chunked")]
FRAMED = {
    "length": (
        b"HTTP/1.1 200 OK|content-length: 9||some body",
        Told(200, LENGTH, b"some body"),
    ),
    "repeated names": (
        b"HTTP/1.1 404 Not Found|X-A: 1|x-a:\t2|Content-Length:9||some body",
        Told(404, [(b"X-A", b"1"), (b"x-a", b"2"), (b"Content-Length", b"9")], b"some body"),
    ),
    "chunked": (
        b"HTTP/1.1 200 OK|transfer-encoding: chunked||4|some|005;x=y| body|0|x-trailer: 1||",
        Told(200, CHUNKED, b"some body"),
    ),
    "after notices": (
        b"HTTP/1.1 100 X||HTTP/1.1 103 X|link: x||HTTP/1.1 201 X|content-length: 9||some body",
        Told(201, LENGTH, b"some body"),
    ),
    "offers another protocol": (
        b"HTTP/1.1 200 OK|upgrade: h2c|connection: Upgrade|content-length: 9||some body",
        Told(200, [(b"upgrade", b"h2c"), (b"connection", b"Upgrade"), *LENGTH], b"some body"),
    ),
    "empty": (
        b"HTTP/1.1 500 X|content-length: 0||",
        Told(500, [(b"content-length", b"0")], b""),
    ),
    "lines without CR": (
        b"HTTP/1.1 200 OK\nx-a: 1\ncontent-length: 9\n\nsome body",
        Told(200, [(b"x-a", b"1"), *LENGTH], b"some body"),
    ),
    "a line that goes on": (
        b"HTTP/1.1 200 OK|x-a: one|  two|content-length: 9||some body",
        Told(200, [(b"x-a", b"one  two"), *LENGTH], b"some body"),
    ),
    "control characters": (
        b"HTTP/1.1 200 OK|x-a: \x00\x01\x1b\x7f|content-length: 9||some body",
        Told(200, [(b"x-a", b"\x00\x01\x1b\x7f"), *LENGTH], b"some body"),
    ),
    "spaces behind a size": (
        b"HTTP/1.1 200 OK|transfer-encoding: chunked||9  |some body|0  ||",
        Told(200, CHUNKED, b"some body"),
    ),
    "one length twice": (
        b"HTTP/1.1 200 OK|content-length: 9|x-a: 1|Content-Length:9||some body",
        Told(200, [(b"x-a", b"1"), *LENGTH], b"some body"),
    ),
    "one length in a list": (
        b"HTTP/1.1 200 OK|content-length: 9, 9||some body",
        Told(200, LENGTH, b"some body"),
    ),
    "no content": (b"HTTP/1.1 204 No Content||", Told(204, [], b"")),
    "not modified": (
        b"HTTP/1.1 304 Not Modified|content-length: 9||",
        Told(304, LENGTH, b""),
    ),
}
"""Replies whose end can be told, with | for the ends of lines, and what is told of them."""


def framed(kind: str) -> tuple[bytes, Told]:
    lines, expected = FRAMED[kind]
    return lines.replace(b"|", b"\r\n"), expected


TO_THE_END = b"HTTP/1.1 200 OK\r\nx-a: 1\r\n\r\nsome body"
IDENTITY = b"HTTP/1.1 200 OK\r\ntransfer-encoding: Identity\r\n\r\nsome body"
OTHER = reply(b"somebody else's", "x-b: 2", status="403 Forbidden")


@pytest.mark.parametrize("kind", FRAMED)
async def test_a_reply_is_the_same_wherever_it_is_cut(kind: str) -> None:
    data, expected = framed(kind)
    assert await told(*bytewise(data)) == expected
    for place in range(len(data) + 1):
        assert await told(data[:place], data[place:]) == expected


@pytest.mark.parametrize(
    ("data", "header"),
    [(TO_THE_END, (b"x-a", b"1")), (IDENTITY, (b"transfer-encoding", b"Identity"))],
)
async def test_a_body_without_a_length_goes_on_to_the_end_of_the_connection(
    data: bytes, header: tuple[bytes, bytes]
) -> None:
    expected = Told(200, [header], b"some body", rests=False)
    assert await told(*bytewise(data), ends=True) == expected
    for place in range(len(data) + 1):
        assert await told(data[:place], data[place:], ends=True) == expected


@pytest.mark.parametrize(
    "lines",
    [
        b"content-length: 9|content-length: 8",
        b"content-length: 9, 8",
        b"content-length: 9,",
        b"content-length: +9",
        b"content-length: 9|transfer-encoding: chunked",
        b"transfer-encoding: chunked|content-length: 9",
        b"content-length: 9|content-length: 9|transfer-encoding: chunked",
        b"x-a: no\rline",
        b"no colon",
    ],
)
async def test_a_head_that_can_be_read_in_two_ways_is_refused_wherever_it_is_cut(
    lines: bytes,
) -> None:
    data = (b"HTTP/1.1 200 OK|" + lines + b"||some body").replace(b"|", b"\r\n")
    for place in range(len(data) + 1):
        with pytest.raises(NotHTTPError):
            await told(data[:place], data[place:])


@pytest.mark.parametrize("kind", FRAMED)
async def test_what_follows_a_reply_changes_nothing_in_it_and_ends_the_connection(
    kind: str,
) -> None:
    data, expected = framed(kind)
    expected = expected._replace(rests=False)
    assert await told(*bytewise(data + OTHER)) == expected
    for place in range(1, len(OTHER) + 1):
        assert await told(data + OTHER[:place]) == expected
        assert await told(data, OTHER[:place], OTHER[place:]) == expected


@pytest.mark.parametrize("kind", FRAMED)
async def test_a_reply_that_is_cut_short_is_never_taken_for_a_whole_one(kind: str) -> None:
    data, _ = framed(kind)
    for place in range(len(data)):
        with pytest.raises(ConnectionResetError):
            await told(data[:place], ends=True)


async def test_another_protocol_is_not_http() -> None:
    with pytest.raises(NotHTTPError):
        await told(b"HTTP/1.1 101 X\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", b"\x00")


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


@pytest.mark.parametrize("data", [reply(b"unasked"), b"\r\n", b"H", b"\x00"])
async def test_what_comes_when_nobody_has_asked_ends_the_connection(data: bytes) -> None:
    rested = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(reply(b"yours"))
        await rested.wait()
        await peer.send(data)
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


@pytest.mark.parametrize(
    ("begin", "goes_on"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"x: " + b"y" * 4_000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nx: ", b"y" * 4_000),
        (b"HTTP/1.1 200 OK\r\n", b"y" * 4_000),
        (b"HTTP/1.1 200 ", b"y" * 4_000),
        (b"", b"HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n"),
    ],
)
async def test_a_head_that_never_ends_is_refused(begin: bytes, goes_on: bytes) -> None:
    async with wired() as (connection, wire):
        connection.send(REQUEST)
        await wire.send(begin)
        assert await wire.flood(goes_on, 10_000_000) < 2_000_000
        with pytest.raises(NotHTTPError):
            await connection.head(PATIENCE_S)


async def test_a_long_head_and_what_comes_with_it_are_read() -> None:
    data = reply(b"x" * 1_000_000, *(f"x-{number}: {'y' * 1_000}" for number in range(200)))
    async with wired() as (connection, wire):
        connection.send(REQUEST)
        sent = data.index(b"xxx")
        for place in range(0, sent, 10_000):  # so that none of it comes together with the body
            await wire.send(data[place : min(sent, place + 10_000)])
        assert (await connection.head(PATIENCE_S))[1][-1][0] == b"x-199"
        read = 0
        while read < 1_000_000:
            sent += await wire.flood(data[sent:], len(data) - sent)
            read += len(await connection.read(PATIENCE_S))
        assert await connection.read(PATIENCE_S) == b""
        assert connection.rest()


async def test_trailers_that_never_end_are_refused() -> None:
    async with wired() as (connection, wire):
        connection.send(REQUEST)
        await wire.send(chunked(b"all") + b"0\r\nx-trailer: ")
        assert await wire.flood(b"y" * 4_000, 8_000_000) < 2_000_000
        assert not connection.rest()


async def test_what_comes_between_parts_of_a_body_is_counted_anew_after_each() -> None:
    async with wired() as (connection, wire):
        connection.send(REQUEST)
        await wire.send(chunked())
        await connection.head(PATIENCE_S)
        for _ in range(100):
            await wire.send(b"5;" + b"e" * 5_000 + b"\r\n")
            await wire.send(b"hello\r\n")
            assert await connection.read(PATIENCE_S) == b"hello"


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


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", ConnectionResetError),
        (chunked(b"half"), ConnectionResetError),
        (chunked(b"half") + b"not a size\r\n", NotHTTPError),
        (chunked(b"ha", b"lf") + b"4\r\n", ConnectionResetError),
    ],
)
async def test_what_came_before_a_break_is_read_and_then_the_break_is_told(
    data: bytes, fault: type[Exception]
) -> None:
    async with wired() as (connection, wire):
        connection.send(REQUEST)
        await wire.send(data)
        await wire.end()
        assert (await connection.head(PATIENCE_S))[0] == 200
        assert await connection.read(PATIENCE_S) == b"half"
        for _ in range(2):
            with pytest.raises(fault):
                await connection.read(PATIENCE_S)
        assert not connection.rest()


async def test_a_body_to_the_end_of_the_connection_is_not_ended_by_a_reset() -> None:
    async def then(peer: Peer) -> None:
        await is_read.wait()
        peer.reset()

    is_read = asyncio.Event()
    script = answering(TO_THE_END, then=then)
    async with raw_server(script) as server, connected(server) as connection:
        connection.send(REQUEST)
        await connection.head(PATIENCE_S)
        await connection.read(PATIENCE_S)
        is_read.set()
        with pytest.raises(ConnectionResetError):
            await connection.read(PATIENCE_S)


@pytest.mark.parametrize(
    "so_far", [b"", b"HTTP/1.1 200", chunked(), chunked(b"some"), chunked(b"some") + b"4\r\n"]
)
async def test_a_cancelled_exchange_leaves_no_connection_for_another(so_far: bytes) -> None:
    async with wired() as (connection, wire):
        asking = asyncio.create_task(exchange(connection))
        await settled()
        await wire.send(so_far)
        assert not asking.done()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert not connection.rest()


async def test_it_has_not_answered_when_it_breaks_before() -> None:
    async with raw_server(answering()) as server, connected(server) as connection:
        connection.send(REQUEST)
        with pytest.raises(ConnectionResetError):
            await connection.head(PATIENCE_S)
        assert not connection.has_answered


async def test_a_reader_that_does_not_read_holds_the_server_up() -> None:
    block = chunk(b"x" * 4_000)
    async with wired() as (connection, wire):
        connection.send(REQUEST)
        await wire.send(chunked())
        await connection.head(PATIENCE_S)
        assert 64_000 < await wire.flood(block, 50_000_000) < 2_000_000


async def test_a_connection_that_was_held_up_may_rest_once_all_is_read() -> None:
    async with wired() as (connection, wire):
        connection.send(REQUEST)
        await wire.send(chunked())
        for size in (100_000, 10, 40_000, 40_000):
            await wire.send(chunk(b"x" * size))
            assert await connection.read(PATIENCE_S) == b"x" * size
        await wire.send(chunk(b""))
        assert await connection.read(PATIENCE_S) == b""
        assert connection.rest()


async def test_reading_lets_the_server_go_on() -> None:
    block = chunk(b"x" * 4_000)
    sent = read = 0
    async with wired() as (connection, wire):
        connection.send(REQUEST)
        await wire.send(chunked())
        await connection.head(PATIENCE_S)
        while sent < 5_000_000:
            sent += await wire.flood(block[sent % len(block) :] + block, 50_000_000)
            part = await connection.read(PATIENCE_S)
            assert part.strip(b"x") == b""
            read += len(part)
        assert read > 4_000_000


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


async def test_time_while_nobody_reads_does_not_count() -> None:
    with skipping_clock() as clock:
        async with wired() as (connection, wire):
            connection.send(REQUEST)
            await wire.send(chunked(b"a"))
            await connection.head(60)
            assert await connection.read(60) == b"a"
            clock.skip(1_000)
            reading = asyncio.create_task(connection.read(60))
            await settled()
            clock.skip(59)
            await settled()
            assert not reading.done()
            await wire.send(chunk(b"b"))
            assert await reading == b"b"


async def test_a_shorter_time_out_counts_although_a_longer_one_did_before() -> None:
    with skipping_clock() as clock:
        async with wired() as (connection, wire):
            connection.send(REQUEST)
            await wire.send(chunked(b"a"))
            await connection.head(1_000)
            assert await connection.read(1_000) == b"a"
            longer = asyncio.create_task(connection.read(1_000))
            await settled()
            await wire.send(chunk(b"b"))
            assert await longer == b"b"
            shorter = asyncio.create_task(connection.read(60))
            await settled()
            clock.skip(61)
            await settled()
            assert shorter.done()
            with pytest.raises(TimeoutError):
                await shorter


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


async def test_what_was_taken_does_not_count_as_waiting_to_be_read() -> None:
    taker = Taker()
    async with wired() as (connection, wire):
        connection.send(REQUEST)
        await wire.send(chunked())
        await connection.head(PATIENCE_S)
        connection.offer(taker)
        reading = asyncio.create_task(connection.read(PATIENCE_S))
        for _ in range(20):
            await wire.send(chunk(b"x" * 5_000))
        assert len(taker.taken) == 20
        await wire.send(chunk(b""))
        assert await reading == b""
        assert connection.rest()


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


async def test_a_connection_that_rests_holds_nothing_of_whoever_used_it() -> None:
    taker = Taker()
    held = weakref.ref(taker)
    async with wired() as (connection, wire):
        connection.send(REQUEST)
        connection.offer(taker)
        del taker
        await wire.send(chunked(b"all", b""))
        await rest_of(connection)
        assert connection.rest()
        gc.collect()
        assert held() is None


# Arbitrary replies, whole and spoiled, beside what h11 makes of them


def reference(data: bytes) -> Told | None:
    """What h11 makes of a reply and the connection's end; None if that is no whole reply."""
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=1_000_000)
    client.send(h11.Request(method="GET", target="/", headers=[("host", "test")]))
    client.send(h11.EndOfMessage())
    status, headers, body = 0, Headers(), b""
    try:
        client.receive_data(data)
        client.receive_data(b"")
        while True:
            match client.next_event():
                case h11.Response() as response:
                    status = response.status_code
                    headers = [(bytes(name), bytes(value)) for name, value in response.headers]
                case h11.Data() as part:
                    body += part.data
                case h11.EndOfMessage():
                    return Told(status, headers, body)
                case h11.ConnectionClosed() | h11.NEED_DATA:
                    return None
    except h11.RemoteProtocolError:
        return None


def found(data: bytes, cuts: list[int]) -> Told | None:
    """The same of the connection, however the reply is cut."""
    pieces: list[bytes] = []
    place = 0
    while place < len(data):
        size = cuts[len(pieces) % len(cuts)]
        pieces.append(data[place : place + size])
        place += size
    try:
        # Whether it rests is left out: that the connection ends behind the reply decides it.
        one = asyncio.run(told(*pieces, ends=True))
    except (NotHTTPError, OSError):
        return None
    # h11 writes names small, and takes off blanks at the end of a value, which mean nothing.
    headers = [(name.lower(), value.rstrip(b" \t")) for name, value in one.headers]
    return Told(one.status, headers, one.body)


names = st.sampled_from([b"x-a", b"X-B", b"Set-Cookie", b"content-type", b"Connection"])
values = st.sampled_from([b"1", b"a b", b"", b" padded\t", b"\xe9", b"keep-alive", b"close"])
notices = st.sampled_from([b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 X\r\nlink: y\r\n\r\n"])


@st.composite
def replies(draw: st.DrawFn) -> bytes:
    status = draw(st.sampled_from([200, 201, 204, 304, 404, 503]))
    parts = draw(st.lists(st.binary(min_size=1, max_size=20), max_size=4))
    lines = [b"HTTP/1.1 %d%b" % (status, draw(st.sampled_from([b" OK", b" ", b""])))]
    lines += [b"%b: %b" % each for each in draw(st.lists(st.tuples(names, values), max_size=3))]
    body = b"".join(parts)
    match draw(st.sampled_from(["length", "chunked", "end"])):
        case "length":
            lines.append(b"content-length: %d" % len(body))
        case "chunked":
            lines.append(b"Transfer-Encoding: chunked")
            last = draw(st.sampled_from([b"0\r\n\r\n", b"0\r\nx-t: 1\r\n\r\n", b"000;x\r\n\r\n"]))
            body = b"".join(map(chunk, parts)) + last
    if status in {204, 304}:
        body = b""
    return b"".join(draw(st.lists(notices, max_size=2))) + b"\r\n".join([*lines, b"", body])


marks = st.sampled_from([b"\r\n", b"\n", b"\r", b" ", b",", b":", b";", b"-", b"\x00", b"\xff"])
others = st.sampled_from([b"", b"0", b"1", b"a", b"content-length: 3\r\n", b"\r\n\r\n"])


@st.composite
def spoiled_replies(draw: st.DrawFn) -> bytes:
    """Replies of which a few bytes are missing, or others than they should be."""
    data = draw(replies())
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, len(data)))
        rest = data[place + draw(st.integers(0, 3)) :]
        data = data[:place] + draw(marks | others) + rest
    return data


cuts = st.lists(st.integers(1, 30) | st.just(1_000), min_size=1, max_size=4)
many = settings(max_examples=150)


@many
@given(replies(), cuts)
def test_any_reply_is_read_as_h11_reads_it(data: bytes, cuts: list[int]) -> None:
    expected = reference(data)
    assert expected is not None
    assert found(data, cuts) == expected


@many
@given(spoiled_replies(), cuts)
def test_a_spoiled_reply_is_refused_or_read_as_h11_reads_it(data: bytes, cuts: list[int]) -> None:
    one = found(data, cuts)
    assert one == found(data, [len(data) or 1])
    assert one is None or reference(data) in (None, one)
