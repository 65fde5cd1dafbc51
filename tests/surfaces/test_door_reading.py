"""What the door makes of requests, however their packets are cut."""

from __future__ import annotations

from ipaddress import ip_network

import orjson
import pytest

from proxy.surfaces.door_limits import DoorLimits
from tests.support.door import Street, head, request, settled

LONG = 64_000
OFFERS = ("websocket", "h2c", "anything/1, h2c")
INNER = request(b"", "authorization: Bearer stolen", path="/inner")
"""A body that is a request: read as one, it would speak for whoever comes next."""
TRUSTED = DoorLimits(max_waiting=4, trusted=(ip_network("192.0.2.0/24"),))


def offer(protocol: str, *, path: str = "/", chunk_size: int = 0, body: bytes = INNER) -> bytes:
    lines = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {protocol}", "HTTP2-Settings: AAM")
    return request(body, *lines, path=path, chunk_size=chunk_size)


async def test_a_request_without_an_offer_goes_through_as_it_came() -> None:
    street = Street()
    visitor = street.visitor()
    visitor.send(request(b"body", "x-word: Word", path="/a%20b?c=d"))
    assert await visitor.replies(1) == [(200, b"body")]
    [heard] = street.app.heard
    assert (heard.method, heard.path, heard.body) == ("POST", "/a b", b"body")
    assert (b"x-word", b"Word") in heard.headers


@pytest.mark.parametrize("protocol", OFFERS)
@pytest.mark.parametrize("chunk_size", [0, 7])
async def test_a_request_that_offers_an_upgrade_is_an_ordinary_one_however_it_is_cut(
    protocol: str, chunk_size: int
) -> None:
    raw = offer(protocol, chunk_size=chunk_size)
    for cut in range(1, len(raw)):
        street = Street()
        visitor = street.visitor()
        visitor.send(raw[:cut], raw[cut:])
        assert await visitor.replies(1) == [(200, INNER)], cut
        await settled()
        assert [heard.body for heard in street.app.heard] == [INNER], cut
        assert len(visitor.parsed()) == 1, cut


@pytest.mark.parametrize("chunk_size", [0, 7])
async def test_an_offer_that_comes_byte_by_byte_is_an_ordinary_request(chunk_size: int) -> None:
    street = Street()
    visitor = street.visitor()
    visitor.send(*(bytes([each]) for each in offer("h2c", chunk_size=chunk_size)))
    assert await visitor.replies(1) == [(200, INNER)]
    await settled()
    assert [heard.path for heard in street.app.heard] == ["/"]


async def test_an_offer_keeps_its_other_headers_and_is_told_of_no_upgrade() -> None:
    street = Street()
    visitor = street.visitor()
    visitor.send(request(b"", "Upgrade: h2c", "X-A: 1", "Connection: upgrade", "X-A: 2"))
    await visitor.replies(1)
    names = [name for name, _ in street.app.heard[0].headers]
    assert names == [b"host", b"content-length", b"x-a", b"connection", b"x-a"]


async def test_an_offer_without_a_body_is_answered_and_the_next_request_too() -> None:
    street = Street()
    visitor = street.visitor()
    visitor.send(head("Connection: upgrade", "Upgrade: websocket", method="GET", path="/one"))
    assert await visitor.replies(1) == [(200, b"")]
    visitor.send(request(b"2", path="/two"))
    assert await visitor.replies(2) == [(200, b""), (200, b"2")]


async def test_an_offer_that_asks_to_close_is_answered_and_closed() -> None:
    visitor = Street().visitor()
    visitor.send(request(b"last", "Connection: close, Upgrade", "Upgrade: h2c"))
    assert await visitor.replies(1) == [(200, b"last")]
    assert visitor.is_gone


async def test_requests_with_and_without_offers_on_one_connection_keep_their_order() -> None:
    raws = [
        request(b"0"),
        offer("h2c", body=b"1"),
        offer("websocket", body=b"2", chunk_size=1),
        request(b"3", chunk_size=1),
        offer("h2c", body=b"4"),
    ]
    joined = b"".join(raws)
    for cut in range(1, len(joined), 7):
        visitor = Street().visitor()
        visitor.send(joined[:cut], joined[cut:])
        replies = await visitor.replies(len(raws))
        assert replies == [(200, b"%d" % n) for n in range(len(raws))], cut


async def test_thousands_of_offers_in_one_packet_are_each_answered_once() -> None:
    street = Street()
    visitor = street.visitor()
    visitor.send(b"".join(offer("h2c", body=b"%d" % n) for n in range(2_500)))
    replies = await visitor.replies(2_500)
    assert [body for _, body in replies] == [b"%d" % n for n in range(2_500)]
    assert len(street.app.heard) == 2_500


@pytest.mark.parametrize("lines", [(), ("Connection: Upgrade", "Upgrade: h2c")])
async def test_connect_is_refused_and_nothing_behind_it_is_read(lines: tuple[str, ...]) -> None:
    street = Street()
    raw = b"CONNECT x:443 HTTP/1.1\r\nhost: x\r\n" + "".join(f"{e}\r\n" for e in lines).encode()
    for cut in range(1, len(raw)):
        visitor = street.visitor()
        visitor.send(raw[:cut], raw[cut:] + b"\r\n" + INNER, INNER)
        [(status, _)] = await visitor.replies(1)
        assert status == 405
        assert visitor.is_ended
    assert street.app.heard == []


async def test_connect_with_much_behind_it_is_refused_once() -> None:
    visitor = Street().visitor()
    visitor.send(b"CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n" + b"x" * LONG * 2)
    assert [status for status, _ in await visitor.replies(1)] == [405]
    await settled()
    assert visitor.written.count(b"HTTP/1.1") == 1


async def test_what_is_no_http_gets_an_error_of_the_api_and_the_connection_ends() -> None:
    visitor = Street().visitor()
    visitor.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    [(status, body)] = await visitor.replies(1)
    assert status == 400
    assert orjson.loads(body)["error"]["type"] == "invalid_request_error"
    assert visitor.is_ended


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 101 + b"\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"a%d:b\r\n" % n for n in range(101)) + b"\r\n",
        b"GET / HTTP/1.1\r\na: " + b"x" * LONG + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a" * LONG + b": x\r\n\r\n",
        b"GET /" + b"x" * LONG + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\na: " + b"x" * LONG,  # without an end
        b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b" + b" " * LONG,
        b"\r\n" * LONG,
        head("Connection: upgrade", "Upgrade: h2c", *(f"a: {n}" for n in range(101))),
    ],
    ids=range(9),
)
async def test_a_head_that_is_too_large_is_refused_however_it_is_cut(raw: bytes) -> None:
    for size in (len(raw), 20_000, 1_000):
        street = Street()
        visitor = street.visitor()
        visitor.send(*(raw[i : i + size] for i in range(0, len(raw), size)))
        [(status, body)] = await visitor.replies(1)
        assert status == 431
        assert orjson.loads(body)["error"]["code"] == "request_head_too_large"
        assert visitor.is_ended
        assert street.app.heard == []


async def test_a_head_just_within_the_limits_is_accepted() -> None:
    street = Street()
    visitor = street.visitor()
    lines = [f"a{n}: {'x' * 600}" for n in range(98)]
    visitor.send(request(b"ok", *lines))
    assert await visitor.replies(1) == [(200, b"ok")]
    assert len(street.app.heard[0].headers) == 100


async def test_a_long_body_is_no_long_head() -> None:
    body = b"x" * 1_000_000
    visitor = Street().visitor()
    visitor.send(request(body), request(body, chunk_size=LONG + 1))
    assert await visitor.replies(2) == [(200, body), (200, body)]


async def test_a_large_head_behind_a_body_in_the_same_packet_is_refused() -> None:
    street = Street()
    visitor = street.visitor()
    visitor.send(request(b"first") + head("a: " + "x" * LONG))
    assert await visitor.replies(1) == [(200, b"first")]
    assert visitor.is_gone
    assert len(street.app.heard) == 1


async def test_many_ordinary_heads_in_one_packet_are_no_large_head() -> None:
    visitor = Street().visitor()
    visitor.send(request(b"", "a: " + "x" * 200) * 1_000)
    assert len(await visitor.replies(1_000)) == 1_000


@pytest.mark.parametrize("ends", [True, False])
async def test_trailers_are_no_headers_and_have_a_bound(*, ends: bool) -> None:
    street = Street()
    visitor = street.visitor()
    raw = request(b"body", chunk_size=2)[:-2] + b"authorization: Bearer x\r\n"
    visitor.send(raw + (b"\r\n" if ends else b"a: " + b"x" * LONG * 2))
    [(status, _)] = await visitor.replies(1)
    assert status == (200 if ends else 431)
    await settled()
    [heard] = street.app.heard
    assert b"authorization" not in dict(heard.headers)
    assert heard.body == (b"body" if ends else None)


async def test_a_chunk_s_extension_has_a_bound() -> None:
    street = Street()
    visitor = street.visitor()
    visitor.send(head("transfer-encoding: chunked"), b"1;" + b"x" * LONG)
    assert [status for status, _ in await visitor.replies(1)] == [431]
    await settled()
    assert street.app.heard[0].body is None


@pytest.mark.parametrize("count", [0, 2])
async def test_a_request_needs_one_host(count: int) -> None:
    street = Street()
    visitor = street.visitor()
    visitor.send(b"GET / HTTP/1.1\r\n" + b"host: x\r\n" * count + b"\r\n")
    assert [status for status, _ in await visitor.replies(1)] == [400]
    assert street.app.heard == []


async def test_a_client_of_http_1_0_need_not_name_a_host() -> None:
    visitor = Street().visitor()
    visitor.send(b"GET / HTTP/1.0\r\n\r\n")
    assert await visitor.replies(1) == [(200, b"")]


@pytest.mark.parametrize("coding", ["gzip, chunked", "identity", "chunked, chunked"])
async def test_a_coding_that_is_not_read_is_refused(coding: str) -> None:
    street = Street()
    visitor = street.visitor()
    visitor.send(head(f"transfer-encoding: {coding}") + b"0\r\n\r\n")
    assert [status for status, _ in await visitor.replies(1)] == [400]
    assert street.app.heard == []


async def test_a_client_answered_early_cannot_send_without_end() -> None:
    visitor = Street(DoorLimits(linger_bytes=100_000)).visitor()
    visitor.send(head("content-length: 1000000", path="/early"))
    await visitor.replies(1)
    visitor.send(*[b"x" * 10_000] * 10)
    assert not visitor.is_gone
    visitor.send(b"x")
    assert visitor.is_gone


async def test_each_request_may_be_answered_early_anew() -> None:
    visitor = Street(DoorLimits(linger_bytes=100_000)).visitor()
    for count in range(1, 4):
        visitor.send(head("content-length: 60000", path="/early"))
        await visitor.replies(count)
        visitor.send(b"x" * 60_000)
    assert not visitor.is_gone


async def test_a_refused_client_that_sends_on_is_closed() -> None:
    visitor = Street(DoorLimits(linger_bytes=100_000)).visitor()
    visitor.send(b"no http\r\n\r\n", *[b"x" * 10_000] * 11)
    assert visitor.is_gone


async def test_the_application_is_told_the_client_that_a_trusted_proxy_names() -> None:
    street = Street(TRUSTED)
    visitor = street.visitor("192.0.2.1")
    visitor.send(request(b"", "X-Forwarded-For: 203.0.113.5", "x-forwarded-for: 198.51.100.7"))
    visitor.send(request(b""))
    await visitor.replies(2)
    assert [heard.client for heard in street.app.heard] == ["198.51.100.7", "192.0.2.1"]


async def test_nobody_else_can_name_another_client() -> None:
    street = Street(TRUSTED)
    visitor = street.visitor("198.51.100.7")
    visitor.send(request(b"", "x-forwarded-for: 192.0.2.1, 203.0.113.5"))
    await visitor.replies(1)
    assert street.app.heard[0].client == "198.51.100.7"
