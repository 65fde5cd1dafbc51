"""One endpoint over real sockets: what is sent, what comes back, and its connections."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from proxy.core.inflight import InFlight
from proxy.errors import BadReply, CircuitOpen, UpstreamError
from proxy.tasks import Behind
from proxy.upstreams.http.circuits import OpenCircuitError
from proxy.upstreams.http.pool import Request
from proxy.upstreams.http.receiver import Receiver
from tests.support.clock import LIMIT_S, idle, skipping_clock
from tests.support.peers import always, once
from tests.upstreams.endpoints import BASE_URL, KEY, connected, endpoint, post, served
from tests.upstreams.raw_server import (
    PATIENCE_S,
    Connection,
    Script,
    chunk,
    chunked,
    raw_server,
    reply,
)
from tests.upstreams.wires import Heard

# What is sent


async def test_a_request_carries_path_key_and_body_and_asks_for_no_compression() -> None:
    requests: list[bytes] = []

    async with served(always(reply(b"yes"), requests), "/v1") as (_, upstream):
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

    async with served(always(reply(), requests)) as (_, upstream):
        await upstream.request("GET", "/models", timeout_s=PATIENCE_S)
    assert requests[0].startswith(b"GET /models HTTP/1.1\r\n")
    assert b"content-type" not in requests[0].lower()
    assert b"content-length" not in requests[0].lower()


async def test_a_request_is_what_http_asks_for_by_the_pool_and_by_httpx() -> None:
    requests: list[bytes] = []

    async with raw_server(always(reply(), requests)) as server:
        url = f"{server.url}/v1/"
        direct, by_httpx = endpoint(url), endpoint(url, httpx.AsyncHTTPTransport())
        for upstream in (direct, direct, by_httpx):
            await upstream.request("POST", "/ask?a=b", body=b"{}", timeout_s=PATIENCE_S)
            await upstream.request("GET", "/ask?a=b", timeout_s=PATIENCE_S)
            await upstream.request("POST", "/ask?a=b", body=b"", timeout_s=PATIENCE_S)
        await direct.aclose()
        await by_httpx.aclose()
    host = server.url.removeprefix("http://")
    common = (
        f" /v1/ask?a=b HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {KEY}\r\n"
        "accept-encoding: identity\r\nuser-agent: rag-proxy\r\n"
    )
    json = "content-type: application/json\r\ncontent-length: "
    sent = [
        f"POST{common}{json}2\r\n\r\n{{}}".encode(),
        f"GET{common}\r\n".encode(),
        f"POST{common}{json}0\r\n\r\n".encode(),
    ]
    assert requests[:6] == sent * 2
    assert requests[6:] == sent


class Noting:
    """A transport that notes what it is handed."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def exchange(self, request: Request, receiver: Receiver, connect_s: float) -> None:
        assert connect_s == PATIENCE_S
        self.requests.append(request)
        receiver.head(200, [])

    async def aclose(self) -> None: ...


@pytest.mark.parametrize(
    ("url", "origin", "host"),
    [
        ("http://h/v1", ("http", "h", 80), b"h"),
        ("https://h/v1", ("https", "h", 443), b"h"),
        ("http://h:81/v1", ("http", "h", 81), b"h:81"),
        ("https://h:443/v1", ("https", "h", 443), b"h"),
        # The dot that ends an absolute name is for resolvers alone.
        ("https://h.test.:8443/v1", ("https", "h.test.", 8443), b"h.test:8443"),
        ("http://[::1]:81/v1", ("http", "::1", 81), b"[::1]:81"),
        ("https://[::1]/v1", ("https", "::1", 443), b"[::1]"),
        ("https://bücher.test/v1", ("https", "bücher.test", 443), b"xn--bcher-kva.test"),
    ],
)
async def test_its_origin_is_where_the_connection_goes_and_its_host_who_is_asked(
    url: str, origin: tuple[str, str, int], host: bytes
) -> None:
    transport = Noting()
    await post(endpoint(url, transport))
    assert transport.requests[0].origin == origin
    assert transport.requests[0].target == "/v1/ask"
    assert dict(transport.requests[0].headers)[b"host"] == host


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("", "/ask"),
        ("/a/b/", "/a/b/ask"),
        ("/straße", "/stra%C3%9Fe/ask"),
        ("/a%20b;c=1,2~(d)", "/a%20b;c=1,2~(d)/ask"),
    ],
)
async def test_the_path_of_the_base_url_is_sent_as_http_writes_paths(
    path: str, target: str
) -> None:
    transport = Noting()
    await post(endpoint(f"http://h{path}", transport))
    assert transport.requests[0].target == target


async def test_cookies_are_not_kept() -> None:
    requests: list[bytes] = []

    async with served(always(reply(b"", "set-cookie: session=1"), requests)) as (_, upstream):
        await post(upstream)
        await post(upstream)
    assert b"cookie" not in requests[1].lower()


async def test_a_redirect_is_not_followed() -> None:
    async with raw_server(always(reply(b"here"))) as elsewhere:
        moved = reply(b"", f"location: {elsewhere.url}/", status="307 Temporary Redirect")
        async with served(always(moved)) as (_, upstream):
            assert await post(upstream) == (307, b"")
        assert elsewhere.connections == 0


def test_the_key_is_hidden_when_an_endpoint_is_printed() -> None:
    assert KEY not in repr(endpoint(BASE_URL, httpx.MockTransport(lambda _: httpx.Response(200))))


# What comes back


async def test_headers_are_told_by_small_names_and_of_repeated_ones_the_last() -> None:
    data = reply(b"", "Retry-After: 1", "RETRY-AFTER: 2", "x-a: \xe9")
    async with served(always(data)) as (_, upstream):
        answer = await upstream.request("POST", "/", timeout_s=PATIENCE_S)
        assert answer.headers["retry-after"] == "2"
        assert answer.headers["x-a"] == "\xc3\xa9"  # bytes are told as they are


async def test_parts_come_as_they_arrive() -> None:
    heard = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(chunked(b"one"))
        await heard.wait()
        await connection.send(chunk(b"two") + chunk(b""))

    receiver = Heard()
    async with served(script) as (_, upstream):
        asking = asyncio.create_task(upstream.push("POST", "/", receiver))
        await receiver.until_heard(3)
        assert receiver.parts == [b"one"]
        heard.set()
        await asking
        assert receiver.parts == [b"one", b"two"]


async def test_a_body_is_kept_whole() -> None:
    data = chunked(b"one", b"two", b"")
    async with served(always(data)) as (_, upstream):
        assert await post(upstream) == (200, b"onetwo")


RAW = zlib.compressobj(wbits=-15)
PLAIN = b"plain text " * 100


def packed(data: bytes) -> bytes:
    """The same bytes whenever it is called, as the names of tests must be."""
    return gzip.compress(data, mtime=0)


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("gzip", packed(PLAIN)),
        ("x-gzip", packed(PLAIN)),
        (" GZip", packed(PLAIN)),
        ("identity, gzip", packed(PLAIN)),
        ("gzip", packed(PLAIN[:300]) + packed(b"") + packed(PLAIN[300:])),
        ("deflate", zlib.compress(PLAIN)),
        ("deflate", RAW.compress(PLAIN) + RAW.flush()),
        ("identity", PLAIN),
        ("", PLAIN),
    ],
)
async def test_a_compressed_reply_is_read_although_none_was_asked_for(
    header: str, body: bytes
) -> None:
    whole = reply(body, f"content-encoding: {header}")
    bytewise = chunked(*(body[i : i + 1] for i in range(len(body))), b"")
    bytewise = bytewise.replace(b"content-type: text/event-stream", b"x: y")
    bytewise = bytewise.replace(b"x: y", f"content-encoding: {header}".encode())
    for data in (whole, bytewise):
        async with served(always(data)) as (_, upstream):
            assert await post(upstream) == (200, PLAIN)


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("gzip", b"plain text"),
        ("gzip", zlib.compress(b"plain text")),
        ("gzip", packed(b"plain text") + b"and more"),
        ("deflate", b"\xff\xff plain text"),
    ],
)
async def test_a_reply_that_is_not_compressed_as_it_says_is_a_bad_reply(
    header: str, body: bytes
) -> None:
    data = reply(body, f"content-encoding: {header}")
    async with served(always(data)) as (_, upstream):
        with pytest.raises(BadReply, match="Upstream sent a reply that cannot be read") as caught:
            await post(upstream)
        assert caught.value.cause == "encoding"


@pytest.mark.parametrize("header", ["br", "zstd", "gzip, gzip", "deflate, br", "aes" * 100])
async def test_a_reply_in_an_encoding_that_is_unknown_is_a_bad_reply_that_names_it(
    header: str,
) -> None:
    data = reply(b"\x0b\x02\x80text\x03", f"content-encoding: {header}")
    async with served(always(data)) as (_, upstream):
        with pytest.raises(BadReply) as caught:
            await post(upstream)
        assert caught.value.cause == "encoding"
        assert f"'{header[:40]}'" in caught.value.message
        assert len(caught.value.message) < 200


async def test_of_a_compressed_reply_that_ends_early_what_has_come_is_told() -> None:
    data = reply(packed(PLAIN)[:-10], "content-encoding: gzip")
    async with served(always(data)) as (_, upstream):
        _, body = await post(upstream)
        assert PLAIN.startswith(body)


async def test_a_small_packet_that_inflates_to_too_much_is_refused() -> None:
    member = gzip.compress(b"x" * 1024 * 1024, 9)
    for bomb in (gzip.compress(b"x" * 33 * 1024 * 1024, 9), member * 33):
        data = reply(bomb, "content-encoding: gzip")
        async with served(always(data)) as (_, upstream):
            with pytest.raises(BadReply, match="too long"):
                await post(upstream)


async def test_a_packet_that_inflates_to_as_much_as_is_kept_is_read() -> None:
    data = reply(gzip.compress(b"x" * 32 * 1024 * 1024, 9), "content-encoding: gzip")
    async with served(always(data)) as (_, upstream):
        assert await post(upstream) == (200, b"x" * 32 * 1024 * 1024)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a number\r\n",
    ],
)
async def test_a_reply_that_is_not_http_is_a_bad_reply(data: bytes) -> None:
    async with served(once(data)) as (server, upstream):
        with pytest.raises(BadReply):
            await post(upstream)
        assert server.connections == 1


# Connections


async def test_a_connection_whose_reply_was_read_is_used_again() -> None:
    async with served(always(reply(b"yes"))) as (server, upstream):
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

    async with served(script) as (_, upstream):
        answers = await asyncio.gather(*(post(upstream) for _ in range(number)))
        assert answers == [(200, b"yes")] * number


async def test_a_connection_whose_receiver_objects_is_closed() -> None:
    class Objecting(Heard):
        def feed(self, part: bytes) -> Behind:
            raise LookupError(part)

    script = once(chunked(b"the first of many"), then=Connection.gone)
    async with served(script) as (server, upstream):
        with pytest.raises(LookupError, match="the first of many"):
            await upstream.push("POST", "/", Objecting())
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

    async with served(script) as (server, upstream):
        asking = asyncio.create_task(post(upstream))
        await asyncio.wait_for(asked.wait(), PATIENCE_S)
        asking.cancel()
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_cancelling_a_request_in_the_middle_of_its_reply_closes_its_connection() -> None:
    heard = Heard()
    async with served(once(chunked(b"one"), then=Connection.gone)) as (server, upstream):
        listening = asyncio.create_task(upstream.push("POST", "/", heard))
        await heard.until_heard(3)
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

    async with served(script) as (_, upstream):
        with pytest.raises(BadReply, match="too long"):
            await post(upstream)


# What it holds


class Counting(httpx.AsyncByteStream):
    """A body that notes what is held before each of its parts and before its end."""

    def __init__(self, inflight: InFlight, *parts: bytes, breaks: bool = False) -> None:
        self._inflight, self._parts, self._breaks = inflight, parts, breaks
        self.held: list[int] = []

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            self.held.append(self._inflight.bytes)
            yield part
        self.held.append(self._inflight.bytes)
        if self._breaks:
            raise httpx.ReadError("broken")


@pytest.mark.parametrize("breaks", [False, True])
async def test_a_whole_reply_counts_while_it_arrives_and_no_longer(*, breaks: bool) -> None:
    inflight = InFlight()
    body = Counting(inflight, b"one", b"three", breaks=breaks)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=body))
    upstream = replace(endpoint(BASE_URL, transport), inflight=inflight)
    with contextlib.suppress(UpstreamError):
        await post(upstream)
    assert (body.held, inflight.bytes) == ([0, 3, 8], 0)


# What is counted


async def counted(script: Script, within_s: float | None = None) -> list[tuple[str, int, str]]:
    """What is heard of a request to a server that plays the script."""
    heard: list[tuple[str, int, str]] = []
    async with served(script) as (_, upstream):
        counting = replace(upstream, counted=lambda *what: heard.append(what))
        with contextlib.suppress(UpstreamError):
            await counting.request("GET", "/", timeout_s=LIMIT_S, within_s=within_s)
    return heard


@pytest.mark.parametrize(
    ("head", "status", "cause"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, ""),
        (b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n", 201, ""),
        (b"HTTP/1.1 307 Moved\r\ncontent-length: 0\r\n\r\n", 307, "status_307"),
        (b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", 503, "status_503"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", 200, "closed"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-encoding: odd\r\ncontent-length: 1\r\n\r\nx",
            200,
            "encoding",
        ),
        (b"SSH-2.0\r\n", 0, "not_http"),
        (b"", 0, "closed"),
    ],
)
async def test_each_request_is_counted_once_with_what_http_tells_of_it(
    head: bytes, status: int, cause: str
) -> None:
    assert await counted(once(head)) == [("Upstream", status, cause)]


async def test_a_request_that_takes_too_long_in_all_is_counted_as_silent() -> None:
    with skipping_clock() as clock:

        async def dripping(connection: Connection) -> None:
            """No byte is late, but the last one comes after the limit of all of them."""
            await connection.request()
            await connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n")
            for byte in (b"a", b"b", b"c"):
                await idle()
                clock.skip(LIMIT_S / 2)
                await connection.send(byte)
            await connection.gone()

        heard = await counted(dripping, within_s=LIMIT_S)
    assert heard == [("Upstream", 200, "read_timeout")]


async def test_a_request_that_nobody_wants_any_more_is_counted_as_given_up() -> None:
    seen: list[tuple[str, int, str]] = []
    heard = Heard()
    async with served(once(chunked(b"one"), then=Connection.gone)) as (_, upstream):
        counting = replace(upstream, counted=lambda *what: seen.append(what))
        listening = asyncio.create_task(counting.push("POST", "/", heard))
        await heard.until_heard(3)
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening
    assert seen == [("Upstream", 200, "given_up")]


async def test_a_request_that_an_open_circuit_stops_is_not_counted() -> None:
    class Open:
        async def exchange(self, *_: Any) -> None:
            raise OpenCircuitError(1.0)

        async def aclose(self) -> None:
            """Nothing is open."""

    seen: list[tuple[str, int, str]] = []
    upstream = replace(endpoint(BASE_URL, Open()), counted=lambda *what: seen.append(what))
    with pytest.raises(CircuitOpen):
        await post(upstream)
    assert not seen
