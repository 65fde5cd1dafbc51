"""The strict reader: what it reads, and where it gives up."""

import pytest

from tests.fuzz.http_reading import End, Reply, Request, read_replies, read_requests

GET = b"GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
CHUNKS = b"2;a=b\r\nab\r\n1\r\nc\r\n0\r\nT: 1\r\n\r\n"
CHUNKED = b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS
CLOSES = b"GET /z HTTP/1.1\r\nHost: x\r\nConnection: x, Close\r\n\r\n"


def head(*lines: bytes) -> bytes:
    return b"\r\n".join((b"POST /p HTTP/1.1", b"Host: x", *lines)) + b"\r\n\r\n"


def test_requests_are_read_one_after_another_with_their_bodies() -> None:
    read = read_requests(GET + POST + CHUNKED)
    assert read.requests == [
        Request(b"GET", b"/a", b"", closes=False),
        Request(b"POST", b"/p", b"abc", closes=False),
        Request(b"POST", b"/c", b"abc", closes=False),
    ]
    assert (read.end, read.closes) == (End.CLEAN, False)


def test_nothing_follows_a_request_that_closes() -> None:
    for last in (CLOSES, b"GET /z HTTP/1.0\r\nHost: x\r\n\r\n"):
        read = read_requests(POST + last + POST)
        assert [each.path for each in read.requests] == [b"/p", b"/z"]
        assert read.closes
    assert not read_requests(b"GET /z HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n").closes


@pytest.mark.parametrize("data", [GET, POST, CHUNKED])
def test_a_request_that_is_cut_anywhere_is_not_read(data: bytes) -> None:
    for place in range(1, len(data)):
        read = read_requests(GET + data[:place])
        assert (len(read.requests), read.end) == (1, End.CUT)
        if read.begun:
            assert read.begun.method == b"POST"
            assert b"abc".startswith(read.begun.body)
        assert (read.begun is None) == (b"\r\n\r\n" not in data[:place])


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n" + GET,
        b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /#a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\r\n\r\n",
        head(b"Content-Length: 1", b"Content-Length: 1") + b"a",
        head(b"Content-Length: +1") + b"a",
        head(b"Content-Length: 1", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
        head(b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
        head(b"Transfer-Encoding : chunked") + b"0\r\n\r\n",
        head(b"Transfer-Encoding: chunked") + b"x\r\n\r\n",
        head(b"Transfer-Encoding: chunked") + b"1\r\nab\r\n0\r\n\r\n",
        head(b"Transfer-Encoding: chunked") + b"0\r\nno colon\r\n\r\n",
        head(b" folded: x"),
        head(b"Nul: \x00"),
        head(*[b"a: b"] * 91),
        head(b"a: " + b"b" * 60_000),
    ],
)
def test_it_gives_up_where_anything_is_unusual(data: bytes) -> None:
    read = read_requests(GET + data + GET)
    assert (len(read.requests), read.end) == (1, End.STRANGE)


def test_replies_are_read_as_their_requests_want_it() -> None:
    data = (
        b"HTTP/1.1 100 Continue\r\n\r\n"
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab"
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
        b"HTTP/1.1 204 No Content\r\n\r\n"
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\n"
        b"HTTP/1.1 400 Bad Request\r\n\r\ntext"
    )
    methods = [b"GET", b"HEAD", b"PUT", b"POST", b"GET"]
    replies = [Reply(200, b"ab"), Reply(200, b""), Reply(204, b""), Reply(200, b"c")]
    open_, rest = read_replies(data, methods, has_ended=False)
    assert open_ == replies
    assert rest.startswith(b"HTTP/1.1 400")
    assert read_replies(data, methods, has_ended=True) == ([*replies, Reply(400, b"text")], b"")
    assert read_replies(data, methods[:1], has_ended=True)[0] == replies[:1]


def test_what_is_no_reply_is_an_error() -> None:
    with pytest.raises(AssertionError, match="this is no reply"):
        read_replies(b"ab\r\n\r\n", [b"GET"], has_ended=True)
