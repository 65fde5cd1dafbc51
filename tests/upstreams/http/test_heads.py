from __future__ import annotations

import pytest

from proxy.upstreams.http.heads import ends_with_connection, is_whole, with_one_length
from proxy.upstreams.http.receiver import Headers

FIRST = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", False),
        (FIRST, False),
        (FIRST + b"a: b\r\n\r", False),
        (FIRST + b"a: b\r\n\r\n", True),
        (FIRST + b"a: b\n\n", True),
        (FIRST + b"a: b\r\n\r\nbody", True),
    ],
)
def test_a_head_ends_with_an_empty_line(data: bytes, *, expected: bool) -> None:
    assert is_whole(data) is expected


@pytest.mark.parametrize(
    "lines",
    [
        b"content-length: 3\r\ncontent-length: 3",
        b"Content-Length:3\nCONTENT-LENGTH: 3 ",
        b"content-length: 3, 3",
        b"content-length: 3,3\r\ncontent-length: 3",
    ],
)
def test_equal_lengths_are_written_once_and_the_rest_is_left(lines: bytes) -> None:
    data = FIRST + b"a: b\r\n" + lines + b"\r\n\r\ncontent-length: 4\r\n\r\n"
    assert with_one_length(data) == (
        FIRST + b"a: b\r\ncontent-length: 3\r\n\r\ncontent-length: 4\r\n\r\n"
    )


@pytest.mark.parametrize(
    "lines",
    [
        b"a: b",
        b"content-length: 3",
        b"content-length: 3\r\ncontent-length: 4",
        b"content-length: 3, 4",
        b"content-length: 3,",
        b"content-length: 3\r\ncontent-length: 03",
    ],
)
def test_there_is_nothing_to_mend_where_lengths_differ_or_there_is_one(lines: bytes) -> None:
    assert with_one_length(FIRST + lines + b"\r\n\r\nabc") is None


def test_a_head_that_is_not_whole_is_not_mended() -> None:
    assert with_one_length(FIRST + b"content-length: 3\r\ncontent-length: 3\r\n") is None


@pytest.mark.parametrize(
    ("headers", "ends"),
    [
        ([], True),
        ([(b"Transfer-Encoding", b" Identity ")], True),
        ([(b"transfer-encoding", b"chunked")], False),
        ([(b"Content-Length", b"9")], False),
        ([(b"content-length", b"9"), (b"transfer-encoding", b"identity")], False),
    ],
)
def test_a_reply_ends_with_its_connection_if_nothing_else_says_where(
    headers: Headers, *, ends: bool
) -> None:
    assert ends_with_connection(headers) is ends
