"""One endpoint over real sockets: what is sent, what comes back, and its connections."""

from __future__ import annotations

import asyncio
import contextlib
import gzip

import httpx
import pytest

from proxy.errors import BadReply
from proxy.upstreams.http import Endpoint
from tests.upstreams.endpoints import BASE_URL, KEY, connected, endpoint, post
from tests.upstreams.raw_server import (
    PATIENCE_S,
    Connection,
    Script,
    chunk,
    chunked,
    raw_server,
    reply,
)


def always(data: bytes) -> Script:
    """A server that answers every request with `data`."""

    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(data)

    return script


def once(data: bytes) -> Script:
    """A server that answers the first request of a connection with `data`, and closes it."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(data)

    return script


async def silent(connection: Connection) -> None:
    await connection.request()
    await connection.gone()


# What is sent


async def test_a_request_carries_path_key_and_body_and_asks_for_no_compression() -> None:
    requests: list[bytes] = []

    async def script(connection: Connection) -> None:
        requests.append(await connection.request())
        await connection.send(reply(b"yes"))

    async with raw_server(script) as server, connected(f"{server.url}/v1") as upstream:
        assert await post(upstream) == (200, b"yes")
    head, _, body = requests[0].partition(b"\r\n\r\n")
    first, *lines = head.decode().lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert first == "post /v1/ask http/1.1"
    assert body == b"{}"
    assert headers["authorization"] == f"bearer {KEY}"
    assert headers["accept-encoding"] == "identity"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == "rag-proxy"
    assert "accept" not in headers


async def test_a_request_without_body_names_no_content_type() -> None:
    requests: list[bytes] = []

    async def script(connection: Connection) -> None:
        requests.append(await connection.request())
        await connection.send(reply())

    async with (
        raw_server(script) as server,
        connected(server.url) as upstream,
        await upstream.request("GET", "/models", timeout_s=PATIENCE_S) as answer,
    ):
        await answer.read()
    assert requests[0].startswith(b"GET /models HTTP/1.1\r\n")
    assert b"content-type" not in requests[0].lower()


async def test_cookies_are_not_kept() -> None:
    requests: list[bytes] = []

    async def script(connection: Connection) -> None:
        while True:
            requests.append(await connection.request())
            await connection.send(reply(b"", "set-cookie: session=1"))

    async with raw_server(script) as server, connected(server.url) as upstream:
        await post(upstream)
        await post(upstream)
    assert b"cookie" not in requests[1].lower()


async def test_a_redirect_is_not_followed() -> None:
    async with raw_server(always(reply(b"here"))) as elsewhere:
        moved = reply(b"", f"location: {elsewhere.url}/", status="307 Temporary Redirect")
        async with raw_server(always(moved)) as server, connected(server.url) as upstream:
            assert await post(upstream) == (307, b"")
        assert elsewhere.connections == 0


def test_the_key_is_hidden_when_an_endpoint_is_printed() -> None:
    assert KEY not in repr(endpoint(BASE_URL, httpx.MockTransport(lambda _: httpx.Response(200))))


# What comes back


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/event-stream", True),
        ("text/event-stream; charset=utf-8", True),
        ("application/json", False),
    ],
)
async def test_a_reply_knows_whether_it_is_an_event_stream(
    content_type: str, *, expected: bool
) -> None:
    data = reply(b"", f"content-type: {content_type}")
    async with (
        raw_server(always(data)) as server,
        connected(server.url) as upstream,
        await upstream.request("POST", "/", timeout_s=PATIENCE_S) as answer,
    ):
        assert answer.is_event_stream is expected


async def test_parts_come_as_they_arrive() -> None:
    heard = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(chunked(b"one"))
        await heard.wait()
        await connection.send(chunk(b"two") + chunk(b""))

    async with (
        raw_server(script) as server,
        connected(server.url) as upstream,
        await upstream.request("POST", "/", timeout_s=PATIENCE_S) as answer,
    ):
        assert await answer.part() == b"one"
        heard.set()
        assert [await answer.part() for _ in range(3)] == [b"two", b"", b""]


async def test_a_compressed_reply_is_read_although_none_was_asked_for() -> None:
    data = reply(gzip.compress(b"plain text"), "content-encoding: gzip")
    async with raw_server(always(data)) as server, connected(server.url) as upstream:
        assert await post(upstream) == (200, b"plain text")


async def test_a_reply_that_is_not_compressed_as_it_says_is_a_bad_reply() -> None:
    data = reply(b"plain text", "content-encoding: gzip")
    async with raw_server(always(data)) as server, connected(server.url) as upstream:
        with pytest.raises(BadReply, match="Upstream sent a reply that cannot be read"):
            await post(upstream)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a number\r\n",
    ],
)
async def test_a_reply_that_is_not_http_is_a_bad_reply(data: bytes) -> None:
    async with raw_server(once(data)) as server, connected(server.url) as upstream:
        with pytest.raises(BadReply):
            await post(upstream)
        assert server.connections == 1


# Connections


async def test_a_connection_whose_reply_was_read_is_used_again() -> None:
    async with raw_server(always(reply(b"yes"))) as server, connected(server.url) as upstream:
        assert [await post(upstream) for _ in range(3)] == [(200, b"yes")] * 3
        assert server.connections == 1


async def test_no_request_waits_for_the_connection_of_another() -> None:
    all_came = asyncio.Event()
    number = 120

    async def script(connection: Connection) -> None:
        await connection.request()
        if connection.number == number:
            all_came.set()
        await all_came.wait()
        await connection.send(reply(b"yes"))

    async with raw_server(script) as server, connected(server.url) as upstream:
        answers = await asyncio.gather(*(post(upstream) for _ in range(number)))
        assert answers == [(200, b"yes")] * number


async def test_a_connection_whose_reply_was_not_read_is_closed() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(chunked(b"the first of many"))
        await connection.gone()

    async with raw_server(script) as server, connected(server.url) as upstream:
        async with await upstream.request("POST", "/", timeout_s=PATIENCE_S):
            pass
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


async def test_closing_the_endpoint_closes_its_connections() -> None:
    async with raw_server(always(reply())) as server:
        async with connected(server.url) as upstream:
            await post(upstream)
            assert not server.hung_up.is_set()
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


async def test_cancelling_a_request_without_a_reply_closes_its_connection() -> None:
    asked = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        asked.set()
        await connection.gone()

    async with raw_server(script) as server, connected(server.url) as upstream:
        asking = asyncio.create_task(post(upstream))
        await asyncio.wait_for(asked.wait(), PATIENCE_S)
        asking.cancel()
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_cancelling_a_request_in_the_middle_of_its_reply_closes_its_connection() -> None:
    heard = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(chunked(b"one"))
        await connection.gone()

    async def listen(upstream: Endpoint) -> None:
        async with await upstream.request("POST", "/", timeout_s=PATIENCE_S) as answer:
            while await answer.part():
                heard.set()

    async with raw_server(script) as server, connected(server.url) as upstream:
        listening = asyncio.create_task(listen(upstream))
        await asyncio.wait_for(heard.wait(), PATIENCE_S)
        listening.cancel()
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)
        with pytest.raises(asyncio.CancelledError):
            await listening


async def test_a_reply_that_never_ends_is_not_kept_in_memory() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                await connection.send(chunk(b"x" * 1024 * 1024))

    async with raw_server(script) as server, connected(server.url) as upstream:
        with pytest.raises(BadReply, match="too long"):
            await post(upstream)
