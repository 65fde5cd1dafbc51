"""One HTTP/1.1 connection over real sockets: replies however they are cut, and what it refuses."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from contextvars import ContextVar
from types import FrameType
from typing import Any, NamedTuple
from unittest import mock

import h11
import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.tasks import Behind, TaskScope
from proxy.upstreams.http.connection import (
    PARSER_FAULTS,
    Connection,
    NotAnsweredError,
    NotHTTPError,
    new_parser,
)
from proxy.upstreams.http.receiver import Feed, Headers
from tests.support.clock import skipping_clock
from tests.support.peers import once
from tests.upstreams.raw_server import PATIENCE_S, chunk, chunked, reply
from tests.upstreams.raw_server import Connection as Peer
from tests.upstreams.wires import REQUEST, Heard, asking, cancel, connected, ran_out, settled, wired


async def exchange(connection: Connection) -> Heard:
    heard = Heard()
    await connection.exchange([REQUEST], heard)
    return heard


class Told(NamedTuple):
    """What a connection makes of a reply, and whether another request may be sent on it."""

    status: int
    headers: Headers
    body: bytes
    rests: bool = True


async def told(*pieces: bytes, ends: bool = False) -> Told:
    """What is told of a reply that comes in pieces, and then the connection's end if it `ends`."""
    heard = Heard()
    async with wired() as (connection, wire), asking(connection, heard) as task:
        for piece in pieces:
            if connection.is_open:
                await wire.send(piece)
        if ends:
            await wire.end()
        await task
        return Told(heard.status, heard.headers, heard.body, rests=connection.rest())


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
        with pytest.raises(ConnectionResetError if place else NotAnsweredError):
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

    async with connected(script) as (_, connection):
        for number in range(3):
            assert (await exchange(connection)).body == b"%d" % number
            assert connection.rest()


async def test_a_second_reply_is_not_taken_for_that_to_the_next_request() -> None:
    script = once(reply(b"yours") + reply(b"somebody else's"), then=Peer.gone)
    async with connected(script) as (_, connection):
        assert (await exchange(connection)).body == b"yours"
        assert not connection.rest()


@pytest.mark.parametrize(
    "more", [b"\x00", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"]
)
async def test_what_follows_a_reply_and_is_not_http_takes_nothing_from_it(more: bytes) -> None:
    assert await told(reply(b"yours") + more) == await told(reply(b"yours"), more)
    assert await told(reply(b"yours") + more) == Told(
        200, [(b"content-length", b"5")], b"yours", rests=False
    )


@pytest.mark.parametrize("data", [reply(b"unasked"), b"\r\n", b"H", b"\x00"])
async def test_what_comes_when_nobody_has_asked_ends_the_connection(data: bytes) -> None:
    rested = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(reply(b"yours"))
        await rested.wait()
        await peer.send(data)
        await peer.gone()

    async with connected(script) as (server, connection):
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
    ],
)
async def test_a_connection_that_the_server_gives_up_does_not_rest(data: bytes) -> None:
    script = once(data, then=Peer.gone)
    async with connected(script) as (_, connection):
        assert (await exchange(connection)).body == b"bye"
        assert not connection.rest()


async def test_a_connection_in_the_middle_of_a_reply_does_not_rest() -> None:
    heard = Heard()
    async with wired() as (connection, wire), asking(connection, heard):
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nnot all")
        assert heard.body == b"not all"
        assert not connection.rest()


@pytest.mark.parametrize(
    "data", [b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"]
)
async def test_what_is_not_http_is_said_to_be_none(data: bytes) -> None:
    async with connected(once(data, then=Peer.gone)) as (_, one):
        with pytest.raises(NotHTTPError):
            await exchange(one)
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
    async with wired() as (connection, wire), asking(connection, Heard()) as task:
        await wire.send(begin)
        assert await wire.flood(goes_on, 10_000_000) < 2_000_000
        with pytest.raises(NotHTTPError):
            await task


async def test_a_long_head_and_what_comes_with_it_are_read() -> None:
    data = reply(b"x" * 1_000_000, *(f"x-{number}: {'y' * 1_000}" for number in range(200)))
    heard = Heard()
    async with wired() as (connection, wire), asking(connection, heard) as task:
        sent = data.index(b"xxx")
        for place in range(0, sent, 10_000):  # so that none of it comes together with the body
            await wire.send(data[place : min(sent, place + 10_000)])
        assert heard.headers[-1][0] == b"x-199"
        while sent < len(data):
            sent += await wire.flood(data[sent:], len(data) - sent)
        await task
        assert heard.body == b"x" * 1_000_000
        assert connection.rest()


async def test_what_comes_behind_a_long_head_is_counted_anew() -> None:
    head = chunked()[:-2] + b"x: " + b"y" * 200_000 + b"\r\n\r\n"
    heard = Heard()
    async with wired() as (connection, wire), asking(connection, heard):
        for place in range(0, len(head), 10_000):
            await wire.send(head[place : place + 10_000])
        await wire.send(b"5;")
        for _ in range(10):
            await wire.send(b"e" * 10_000)
        await wire.send(b"\r\nhello\r\n")
        assert heard.body == b"hello"


async def test_trailers_that_never_end_are_refused() -> None:
    async with wired() as (connection, wire), asking(connection, Heard()) as task:
        await wire.send(chunked(b"all") + b"0\r\nx-trailer: ")
        assert await wire.flood(b"y" * 4_000, 8_000_000) < 2_000_000
        with pytest.raises(NotHTTPError):
            await task
        assert not connection.rest()


async def test_what_comes_between_parts_of_a_body_is_counted_anew_after_each() -> None:
    heard = Heard()
    async with wired() as (connection, wire), asking(connection, heard):
        await wire.send(chunked())
        for number in range(100):
            await wire.send(b"5;" + b"e" * 5_000 + b"\r\n")
            await wire.send(b"hello\r\n")
            assert len(heard.parts) == number + 1


@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_body_that_breaks_is_never_taken_for_a_whole_one(*, is_reset: bool) -> None:
    then = Peer.reset if is_reset else None
    script = once(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", then=then)
    async with connected(script) as (_, connection):
        with pytest.raises(ConnectionResetError):
            await exchange(connection)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", ConnectionResetError),
        (chunked(b"half"), ConnectionResetError),
        (chunked(b"half") + b"not a size\r\n", NotHTTPError),
        (chunked(b"ha", b"lf") + b"4\r\n", ConnectionResetError),
    ],
)
async def test_what_came_before_a_break_is_heard_and_then_the_break_is_told(
    data: bytes, fault: type[Exception]
) -> None:
    heard = Heard()
    async with wired() as (connection, wire), asking(connection, heard) as task:
        await wire.send(data)
        await wire.end()
        with pytest.raises(fault):
            await task
        assert (heard.status, heard.body) == (200, b"half")
        assert not connection.rest()


async def test_a_body_to_the_end_of_the_connection_is_not_ended_by_a_reset() -> None:
    async def then(peer: Peer) -> None:
        await is_read.wait()
        peer.reset()

    is_read = asyncio.Event()
    script = once(TO_THE_END, then=then)
    heard = Heard()
    async with (
        connected(script) as (_, connection),
        asking(connection, heard) as task,
    ):
        await heard.until_heard(len(b"some body"))
        is_read.set()
        with pytest.raises(ConnectionResetError):
            await task


@pytest.mark.parametrize(
    "so_far", [b"", b"HTTP/1.1 200", chunked(), chunked(b"some"), chunked(b"some") + b"4\r\n"]
)
async def test_a_cancelled_exchange_leaves_no_connection_for_another(so_far: bytes) -> None:
    async with wired() as (connection, wire), asking(connection, Heard()) as task:
        if so_far:
            await wire.send(so_far)
        assert not task.done()
        await cancel(task)
        assert not connection.rest()
        assert await wire.hung_up()


@pytest.mark.parametrize("so_far", [chunked(b"some"), reply(b"all")])
async def test_an_exchange_that_is_cancelled_while_its_receiver_is_behind_leaves_the_future(
    so_far: bytes,
) -> None:
    heard = Heard()
    behind = heard.fall_behind()
    async with wired() as (connection, wire), asking(connection, heard) as task:
        await wire.send(so_far)
        await cancel(task)
        assert await wire.hung_up()
        assert not behind.done()
        behind.set_exception(LookupError("nobody listens any more"))
        await settled()


async def test_an_exchange_that_is_cancelled_in_the_moment_of_its_end_closes_the_connection() -> (
    None
):
    class Leaving(Heard):
        def feed(self, part: bytes) -> Behind:
            asyncio.get_running_loop().call_soon(task.cancel)
            return super().feed(part)

    async with wired() as (connection, wire), asking(connection, Leaving()) as task:
        await wire.send(reply(b"all"))
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await wire.hung_up()


@pytest.mark.parametrize("is_reset", [False, True])
async def test_it_is_told_when_a_connection_breaks_before_anything_comes(*, is_reset: bool) -> None:
    then = Peer.reset if is_reset else None
    async with connected(once(then=then)) as (_, connection):
        with pytest.raises(NotAnsweredError) as caught:
            await exchange(connection)
    why = caught.value.__cause__
    assert isinstance(why, ConnectionResetError)
    assert bool(why.errno) is is_reset


async def test_408_over_a_kept_connection_is_as_if_nothing_had_come() -> None:
    late = reply(b"late", status="408 Request Timeout")
    heard = Heard()
    async with wired() as (connection, wire):
        async with asking(connection, Heard()) as task:
            await wire.send(reply(b"first"))
            await task
            assert connection.rest()
        async with asking(connection, heard) as task:
            await wire.send(late)
            with pytest.raises(NotAnsweredError):
                await task
        assert (heard.status, heard.body) == (0, b"")
        assert await wire.hung_up()


async def test_408_over_a_new_connection_is_a_reply() -> None:
    told_of = await told(reply(b"late", status="408 Request Timeout"))
    assert (told_of.status, told_of.body) == (408, b"late")


async def test_a_connection_whose_request_was_not_sent_in_full_does_not_rest() -> None:
    async def script(peer: Peer) -> None:
        await peer._reader.readuntil(b"\r\n\r\n")
        await peer.send(reply(b"too much"))
        await asyncio.Event().wait()

    body = b"x" * 30_000_000
    request = b"POST / HTTP/1.1\r\nhost: test\r\ncontent-length: %d\r\n\r\n" % len(body)
    heard = Heard()
    async with connected(script) as (_, connection):
        await connection.exchange([request + body], heard)
        assert heard.body == b"too much"
        assert not connection.rest()


# What a receiver is told, and when


async def test_each_packet_is_heard_as_it_comes() -> None:
    heard = Heard()
    async with wired() as (connection, wire), asking(connection, heard) as task:
        await wire.send(chunked(b"first"))
        assert heard.parts == [b"first"]
        await wire.send(chunk(b"second"))
        assert heard.parts == [b"first", b"second"]
        assert not task.done()
        await wire.send(chunk(b"the end") + chunk(b""))
        assert heard.parts == [b"first", b"second", b"the end"]
        await task
        assert connection.rest()


async def test_several_parts_that_arrive_together_are_heard_together() -> None:
    heard = Heard()
    async with wired() as (connection, wire), asking(connection, heard):
        await wire.send(chunked(b"first"))
        await wire.send(chunk(b"one") + chunk(b"two"))
        assert heard.parts == [b"first", b"onetwo"]


async def test_a_reply_without_a_body_feeds_nothing() -> None:
    assert (await told(reply(status="204 No Content"))).body == b""
    heard = Heard()
    async with wired() as (connection, wire), asking(connection, heard) as task:
        await wire.send(reply())
        await task
        assert heard.parts == []


class Objecting(Heard):
    """A receiver that objects to one word, or to the head of any reply."""

    def __init__(self, word: bytes | None) -> None:
        super().__init__()
        self._word = word

    def head(self, status: int, headers: Headers) -> Feed:
        if self._word is None:
            raise LookupError("head")
        return super().head(status, headers)

    def feed(self, part: bytes) -> Behind:
        super().feed(part)
        if self._word is not None and self._word in part:
            raise LookupError("feed")
        return None


@pytest.mark.parametrize(
    ("word", "pieces", "parts"),
    [
        (None, [reply(b"bad")], []),
        (None, [b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n"], []),
        (b"bad", [reply(b"bad")], [b"bad"]),
        (b"bad", [chunked(b"good"), chunk(b"bad")], [b"good", b"bad"]),
        (b"bad", [chunked(b"good", b"bad", b"")], [b"goodbad"]),
        (b"bad", [chunked(b"bad") + b"no size\r\n"], [b"bad"]),
        (b"bad", [chunked(b"bad", b"") + reply(b"more")], [b"bad"]),
    ],
)
async def test_what_a_receiver_raises_is_raised_where_the_exchange_is_awaited(
    word: bytes | None, pieces: list[bytes], parts: list[bytes]
) -> None:
    heard = Objecting(word)
    async with wired() as (connection, wire), asking(connection, heard) as task:
        for piece in pieces:
            await wire.send(piece)
        with pytest.raises(LookupError, match="feed" if word else "head"):
            await task
        assert heard.parts == parts
        assert not connection.rest()
        assert await wire.hung_up()


async def test_a_receiver_that_has_objected_hears_no_more() -> None:
    heard = Objecting(b"bad")
    async with wired() as (connection, wire), asking(connection, heard):
        wire._end.sendall(chunked(b"bad"))
        await settled()
        connection.data_received(chunk(b"more"))  # as a transport may that has it already
        assert heard.parts == [b"bad"]


async def test_a_connection_that_rests_holds_nothing_of_whoever_used_it() -> None:
    async with wired() as (connection, wire):
        heard = Heard(patience_s=1_000)
        held = weakref.ref(heard)
        async with asking(connection, heard) as task:
            await wire.send(chunked(b"all", b""))
            await task
        assert connection.rest()
        del heard, task
        gc.collect()
        assert held() is None


request_id: ContextVar[str] = ContextVar("request_id", default="none")


async def test_a_receiver_starts_tasks_in_its_own_context_whoever_opened_the_connection() -> None:
    class Starting(Heard):
        def __init__(self, scope: TaskScope) -> None:
            super().__init__()
            self._scope = scope
            self.found: list[asyncio.Task[str]] = []

        def feed(self, part: bytes) -> Behind:
            self.found.append(self._scope.start(self._look()))
            return super().feed(part)

        async def _look(self) -> str:
            return request_id.get()

    request_id.set("who opened it")
    async with wired() as (connection, wire):

        async def ask() -> str:
            request_id.set("who asks")
            async with TaskScope() as scope:
                heard = Starting(scope)
                await connection.exchange([REQUEST], heard)
                return await heard.found[0]

        task = asyncio.create_task(ask())
        await settled()
        await wire.send(reply(b"go"))
        assert await task == "who asks"


async def test_a_packet_of_text_takes_three_calls() -> None:
    called: list[str] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            called.append(frame.f_code.co_name)

    class Plain(Heard):
        def feed(self, part: bytes) -> Behind:  # noqa: ARG002 - what `Heard` does is not counted
            return None

    async with wired() as (connection, wire), asking(connection, Plain()):
        await wire.send(chunked(b"first"))
        packet = chunk(b"data: more\n\n")
        sys.setprofile(note)
        try:
            connection.data_received(packet)
        finally:
            sys.setprofile(None)
    assert [name for name in called if name != "time"] == ["data_received", "on_body", "feed"]


# A receiver that falls behind


async def test_a_receiver_that_is_behind_holds_the_server_up() -> None:
    heard = Heard()
    async with wired() as (connection, wire), asking(connection, heard):
        heard.behind = asyncio.get_running_loop().create_future()
        await wire.send(chunked(b"first"))
        assert await wire.flood(chunk(b"x" * 4_000), 50_000_000) < 2_000_000
        assert heard.parts == [b"first"]


async def test_a_receiver_that_is_not_behind_holds_nobody_up() -> None:
    heard = Heard()
    async with wired() as (connection, wire), asking(connection, heard):
        await wire.send(chunked())
        assert await wire.flood(chunk(b"x" * 4_000), 5_000_000) >= 5_000_000


async def test_a_receiver_that_has_caught_up_lets_the_server_go_on() -> None:
    heard = Heard()
    sent = 0
    block = chunk(b"x" * 4_000)
    async with wired() as (connection, wire), asking(connection, heard):
        await wire.send(chunked())
        while sent < 5_000_000:
            behind = heard.fall_behind()
            sent += await wire.flood(block[sent % len(block) :] + block, 50_000_000)
            behind.set_result(None)
            await settled()
        assert heard.body.strip(b"x") == b""
        assert len(heard.body) > 3_000_000


async def test_nothing_is_heard_while_the_receiver_is_behind_and_all_of_it_afterwards() -> None:
    heard = Heard()
    async with wired() as (connection, wire), asking(connection, heard) as task:
        behind = heard.fall_behind()
        await wire.send(chunked(b"first"))
        await wire.send(chunk(b"second"))
        assert heard.parts == [b"first"]
        heard.behind = None
        behind.set_result(None)
        await settled()
        assert heard.parts == [b"first", b"second"]
        await wire.send(chunk(b""))
        await task
        assert connection.rest()


@pytest.mark.parametrize("ends", [False, True])
async def test_an_exchange_ends_only_when_its_receiver_has_caught_up(*, ends: bool) -> None:
    heard = Heard()
    behind = heard.fall_behind()
    data = TO_THE_END if ends else reply(b"some body")
    async with wired() as (connection, wire), asking(connection, heard) as task:
        await wire.send(data)
        if ends:
            await wire.end()
        assert heard.body == b"some body"
        assert not task.done()
        assert not connection.rest()
        behind.set_result(None)
        await task
        assert connection.rest() is not ends


async def test_a_connection_whose_receiver_was_behind_at_the_end_serves_the_next() -> None:
    async with wired() as (connection, wire):
        for body in (b"one", b"two", b"three"):
            heard = Heard()
            behind = heard.fall_behind()
            async with asking(connection, heard) as task:
                await wire.send(reply(body))
                behind.set_result(None)
                await task
            assert heard.body == body
            assert connection.rest()


async def test_more_behind_a_reply_that_is_still_taken_in_takes_nothing_from_it() -> None:
    heard = Heard()
    behind = heard.fall_behind()
    async with wired() as (connection, wire), asking(connection, heard) as task:
        await wire.send(reply(b"yours"))
        connection.data_received(reply(b"more"))  # as a transport may that has it already
        behind.set_result(None)
        await task
        assert heard.body == b"yours"
        assert not connection.rest()


async def test_a_connection_lost_while_a_whole_reply_is_taken_in_does_no_harm() -> None:
    heard = Heard()
    behind = heard.fall_behind()
    async with wired() as (connection, wire), asking(connection, heard) as task:
        await wire.send(reply(b"yours"))
        connection._transport.abort()
        await settled()
        assert not task.done()
        behind.set_result(None)
        await task
        assert not connection.rest()


async def test_a_connection_lost_while_its_receiver_is_behind_is_told() -> None:
    heard = Heard()
    behind = heard.fall_behind()
    async with wired() as (connection, wire), asking(connection, heard) as task:
        await wire.send(chunked(b"half"))
        connection._transport.abort()
        with pytest.raises(ConnectionResetError):
            await task
        behind.set_result(None)
        await settled()


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("data", [chunked(b"some"), reply(b"all")])
async def test_what_a_receivers_future_raises_ends_the_exchange(
    data: bytes, *, is_done: bool
) -> None:
    heard = Heard()
    behind = heard.fall_behind()
    if is_done:
        behind.set_exception(LookupError("it has gone"))
    async with wired() as (connection, wire), asking(connection, heard) as task:
        await wire.send(data)
        if not is_done:
            behind.set_exception(LookupError("it has gone"))
        with pytest.raises(LookupError, match="it has gone"):
            await task
        assert not connection.rest()
        assert await wire.hung_up()


async def test_a_receivers_future_that_is_cancelled_ends_the_exchange() -> None:
    heard = Heard()
    behind = heard.fall_behind()
    async with wired() as (connection, wire), asking(connection, heard) as task:
        await wire.send(chunked(b"some"))
        behind.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await wire.hung_up()


async def test_a_receivers_future_that_is_done_already_holds_nothing_up() -> None:
    heard = Heard()
    heard.fall_behind().set_result(None)
    async with wired() as (connection, wire), asking(connection, heard) as task:
        await wire.send(chunked(b"one"))
        await wire.send(chunk(b"two"))
        await wire.send(chunk(b""))
        await task
        assert heard.parts == [b"one", b"two"]
        assert connection.rest()


@pytest.mark.parametrize("loops", [asyncio.SelectorEventLoop, uvloop.new_event_loop])
def test_the_socket_is_not_read_while_a_receiver_is_behind_on_either_loop(loops: Any) -> None:
    """As much as is under way fits into the buffers of two sockets."""

    async def run() -> tuple[int, int]:
        sent = 0

        async def script(peer: Peer) -> None:
            nonlocal sent
            await peer.request()
            await peer.send(chunked())
            for _ in range(50):
                await peer.send(chunk(b"x" * 1_000_000))
                sent += 1
            await peer.send(chunk(b""))
            await peer.gone()

        heard = Heard()
        behind = heard.fall_behind()
        async with (
            connected(script) as (_, connection),
            asking(connection, heard) as task,
        ):
            await heard.until_heard(1)
            for _ in range(2_000):
                await asyncio.sleep(0)
            while_behind = sent
            heard.behind = None
            behind.set_result(None)
            await task
            return while_behind, len(heard.body)

    with asyncio.Runner(loop_factory=loops) as runner:
        while_behind, heard = runner.run(run())
    assert while_behind < 20
    assert heard == 50_000_000


# Patience


async def test_the_time_counts_from_what_came_last() -> None:
    heard = Heard(patience_s=60)
    with skipping_clock() as clock:
        async with wired() as (connection, wire), asking(connection, heard) as task:
            await wire.send(chunked(b"a"))
            for _ in range(3):
                clock.skip(50)
                await wire.send(chunk(b"b"))
                assert not task.done()
            clock.skip(61)
            await ran_out(task)
            assert await wire.hung_up()


@pytest.mark.parametrize("so_far", [b"", b"HTTP/1.1 200", chunked(), chunked(b"some")])
async def test_a_server_that_falls_silent_anywhere_is_a_time_out(so_far: bytes) -> None:
    with skipping_clock() as clock:
        async with wired() as (connection, wire), asking(connection, Heard(60)) as task:
            clock.skip(50)
            if so_far:
                await wire.send(so_far)
                clock.skip(50 if b"\r\n\r\n" in so_far else 9)
            await settled()
            assert not task.done()
            clock.skip(61)
            await ran_out(task)
            assert not connection.rest()


@pytest.mark.parametrize(
    ("so_far", "drip"), [(b"HTTP/1.1 200 O", b"K"), (chunked(b"some") + b"5;", b"x")]
)
async def test_bytes_that_complete_nothing_do_not_restart_the_clock(
    so_far: bytes, drip: bytes
) -> None:
    with skipping_clock() as clock:
        async with wired() as (connection, wire), asking(connection, Heard(60)) as task:
            await wire.send(so_far)
            for _ in range(5):
                clock.skip(11)
                await wire.send(drip)
            assert not task.done()
            clock.skip(11)
            await ran_out(task)


async def test_time_while_the_receiver_is_behind_does_not_count() -> None:
    heard = Heard(patience_s=60)
    with skipping_clock() as clock:
        async with wired() as (connection, wire), asking(connection, heard) as task:
            behind = heard.fall_behind()
            await wire.send(chunked(b"a"))
            clock.skip(1_000)
            await settled()
            assert not task.done()
            heard.behind = None
            behind.set_result(None)
            await settled()
            clock.skip(59)
            await settled()
            assert not task.done()
            await wire.send(chunk(b"b"))
            assert heard.body == b"ab"
            clock.skip(61)
            await ran_out(task)


@pytest.mark.parametrize(("before_s", "after_s"), [(1_000, 60), (60, 1_000)])
async def test_a_receivers_patience_may_change_with_each_packet(
    before_s: float, after_s: float
) -> None:
    heard = Heard(before_s)
    with skipping_clock() as clock:
        async with wired() as (connection, wire), asking(connection, heard) as task:
            await wire.send(chunked(b"a"))
            heard.patience_s = after_s
            await wire.send(chunk(b"b"))
            clock.skip(after_s - 1)
            await settled()
            assert not task.done()
            clock.skip(2)
            await ran_out(task)


async def test_patience_that_wanes_in_the_last_packet_counts() -> None:
    class Waning(Heard):
        def feed(self, part: bytes) -> Behind:
            self.patience_s = 1
            return super().feed(part)

    with skipping_clock() as clock:
        async with wired() as (connection, wire), asking(connection, Waning(1_000)) as task:
            await wire.send(chunked(b"a"))
            clock.skip(2)
            await ran_out(task)


async def test_the_patience_of_one_exchange_is_not_that_of_the_next() -> None:
    with skipping_clock() as clock:
        async with wired() as (connection, wire):
            async with asking(connection, Heard(1_000)) as task:
                await wire.send(reply(b"one"))
                await task
            assert connection.rest()
            clock.skip(2_000)
            await settled()
            assert connection.is_open
            async with asking(connection, Heard(60)) as task:
                clock.skip(61)
                await ran_out(task)


async def test_many_packets_need_one_timer() -> None:
    loop = asyncio.get_running_loop()
    async with wired() as (connection, wire):
        with mock.patch.object(loop, "call_at", side_effect=loop.call_at) as set_timer:
            async with asking(connection, Heard()) as task:
                await wire.send(chunked(b"a"))
                for _ in range(20):
                    await wire.send(chunk(b"b"))
                await wire.send(chunk(b""))
                await task
        assert set_timer.call_count == 1


@pytest.mark.parametrize("data", [b"", chunked(b"some"), reply(b"all"), b"SSH-2.0\r\n\r\n"])
async def test_a_connection_that_is_closed_leaves_no_timer_behind(data: bytes) -> None:
    loop: Any = asyncio.get_running_loop()
    async with wired() as (connection, wire), asking(connection, Heard(1_000)) as task:
        if data:
            await wire.send(data)
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled():
        task.exception()
    assert [handle for handle in loop._scheduled if not handle.cancelled()] == []


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
    if one is not None and (expected := reference(data)) is not None:
        assert unfolded(one) == unfolded(expected)


def unfolded(told: Told) -> Told:
    """A folded line may stand for any white space (RFC 9112, 5.2)."""
    headers = [(name, b" ".join(value.split())) for name, value in told.headers]
    return told._replace(headers=headers)


# The parser


class Parsed:
    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self.body += body


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"HTTP/1.1 200 OK\nx-a: 1\ncontent-length: 2\n\nhi", b"1"),
        (b"HTTP/1.1 200 OK\r\nx-a: one\r\n two\r\ncontent-length: 2\r\n\r\nhi", b"one two"),
        (b"HTTP/1.1 200 OK\r\nx-a: \x01\x7f\r\ncontent-length: 2\r\n\r\nhi", b"\x01\x7f"),
        (b"HTTP/1.1 200 OK\r\nx-a: 1\r\ntransfer-encoding: chunked\r\n\r\n2 \r\nhi\r\n", b"1"),
    ],
)
def test_what_other_clients_read_is_read(data: bytes, value: bytes) -> None:
    parsed = Parsed()
    new_parser(parsed).feed_data(data)
    assert dict(parsed.headers)[b"x-a"] == value
    assert parsed.body == b"hi"


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(data: bytes) -> None:
    with pytest.raises(PARSER_FAULTS):
        new_parser(Parsed()).feed_data(data)
