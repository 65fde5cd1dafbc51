"""The load client, against small servers that behave and misbehave."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bench import wire
from bench.client import Source, ask_once, connected
from bench.exchange import read_reply
from bench.script import Script
from bench.servers import Server
from bench.sockets import HOST, port_of
from bench.subjects import post

PATIENCE_S = 60.0
OK = wire.json_reply({"ok": True})
REQUEST = b"GET / HTTP/1.1\r\n\r\n"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, HOST, 0)
    async with server, asyncio.timeout(PATIENCE_S):
        yield port_of(server.sockets[0])


def requests(count: int) -> Source:
    left = itertools.repeat(REQUEST, count)
    return lambda: next(left, None)


async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(1000):
        writer.write(OK)


async def test_callers_send_all_their_requests_and_keep_the_replies() -> None:
    async with serving(answer_all) as port, connected(port, 3) as crowd:
        done = await crowd.run([requests(4)] * 3)
        assert [read_reply(each).body for each in done] == [b'{"ok":true}'] * 4
        assert await crowd.run([requests(2), requests(2), requests(2)], spread_s=0.01)


async def test_a_request_is_sent_before_its_reply_comes() -> None:
    async with serving(answer_all) as port, connected(port, 1) as crowd:
        (exchange,) = await crowd.run([requests(1)])
        assert 0 < exchange.sent_at <= exchange.reads[0][0] <= exchange.ended_at


async def test_a_connection_that_the_server_announces_to_close_is_made_anew() -> None:
    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1))

    async with serving(answer_once) as port, connected(port, 1) as crowd:
        done = await crowd.run([requests(3)])
        assert [each.failure for each in done] == [""] * 3
        assert [read_reply(each).status for each in done] == [200] * 3


async def test_a_request_on_a_kept_connection_found_closed_is_sent_again() -> None:
    connections = itertools.count(1)

    async def answer_some(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_first = next(connections) == 1
        await reader.read(1000)
        writer.write(OK)
        if not is_first:
            await answer_all(reader, writer)

    async with serving(answer_some) as port, connected(port, 1) as crowd:
        done = await crowd.run([requests(3)])
        assert [read_reply(each).status for each in done] == [200] * 3


async def test_a_connection_that_breaks_within_a_reply_is_a_failure_and_ends_the_caller() -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(OK[:-1])

    async with serving(break_off) as port, connected(port, 1) as crowd:
        done = await crowd.run([requests(3)])
        assert [each.failure for each in done] == ["the connection broke"]


async def test_a_server_that_is_gone_is_a_failure() -> None:
    async def answer_and_go(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        server.close()
        writer.write(OK)
        writer.close()

    server = await asyncio.start_server(answer_and_go, HOST, 0)
    async with asyncio.timeout(PATIENCE_S), connected(port_of(server.sockets[0]), 1) as crowd:
        done = await crowd.run([requests(3)])
    assert done[-1].failure


async def test_open_returns_when_all_have_text_and_its_gate_opens_when_all_have_ended() -> None:
    script = Script(chunks=8)
    writes = wire.answer_writes(script)
    go_on = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(writes[0])
        await go_on.wait()
        writer.write(b"".join(writes[1:]))

    async with serving(hold) as port, connected(port, 5) as crowd:
        ended = await crowd.open([requests(1) for _ in range(5)], at_once=2)
        assert not ended.all_passed.is_set()
        go_on.set()
        await ended.all_passed.wait()
        assert len(crowd.take()) == 5
        assert crowd.take() == []


async def test_open_does_not_wait_for_text_that_never_comes() -> None:
    async with serving(answer_all) as port, connected(port, 3) as crowd:
        ended = await crowd.open([requests(1) for _ in range(3)], at_once=1)
        await ended.all_passed.wait()


def test_one_request_can_be_asked_outside_a_loop(upstream: Server) -> None:
    port = upstream.find_port()
    assert port
    assert read_reply(ask_once(port, post(port, "/health", {}), timeout_s=5)).status == 200


def test_nobody_there_is_an_error() -> None:
    with pytest.raises(OSError, match="refused"):
        ask_once(1, REQUEST, timeout_s=5)
