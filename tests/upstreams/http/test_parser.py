"""What the parser of replies accepts, and what stays refused."""

from __future__ import annotations

import pytest

from proxy.upstreams.http.parser import PARSER_FAULTS, new_parser


class Heard:
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
    heard = Heard()
    new_parser(heard).feed_data(data)
    assert dict(heard.headers)[b"x-a"] == value
    assert heard.body == b"hi"


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
        new_parser(Heard()).feed_data(data)
