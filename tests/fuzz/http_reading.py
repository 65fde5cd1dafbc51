"""HTTP/1.1 read strictly: which requests a connection surely holds, and which replies came back.

It follows RFC 9112 to the letter and gives up where anything is unusual: what it does not read, a
server may refuse or read in its own way. It shares no code with the server's parser.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

MOST_HEADERS: Final = 90
LONGEST_HEAD: Final = 60_000
_METHODS: Final = rb"GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT"
_REQUEST_LINE: Final = re.compile(
    rb"(%b) (/[!-\"$->@-~]*)(\?[!-\"$-~]*)? HTTP/1\.([01])" % _METHODS
)
_HEADER: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([ -~\t]*)")
_CHUNK_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,7})(?:;[ -~]*)?")
_LENGTH: Final = re.compile(rb"[0-9]{1,9}")
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [ -~]*")
_NO_BODY: Final = (204, 304)


class Request(NamedTuple):
    method: bytes
    path: bytes
    body: bytes
    closes: bool
    """Nothing that follows it on the connection is a request."""
    is_old: bool = False
    """Of HTTP/1.0, where a server may close after any reply."""


class End(Enum):
    """What comes after the last request that was read."""

    CLEAN = "nothing"
    CUT = "a part of a request"
    STRANGE = "something unusual"


class _NotWhole(Exception):
    """More should come."""

    def __init__(self, body: bytes = b"") -> None:
        super().__init__()
        self.body = body
        """What has come of a body."""
        self.begun: Request | None = None


class _Strange(Exception): ...


@dataclass(frozen=True, slots=True)
class Reading:
    requests: Sequence[Request]
    end: End
    begun: Request | None = None
    """The request after those, if it has a whole head and a part of its body."""

    @property
    def closes(self) -> bool:
        """Whether the last request ends the connection, once it is answered."""
        return bool(self.requests) and self.requests[-1].closes


def read_requests(data: bytes) -> Reading:
    """The requests of a connection up to the first that closes it, is cut, or is unusual."""
    requests: list[Request] = []
    end, begun = End.CLEAN, None
    try:
        while data and not (requests and requests[-1].closes):
            request, data = _request(data)
            requests.append(request)
    except _NotWhole as stop:
        end, begun = End.CUT, stop.begun
    except _Strange:
        end = End.STRANGE
    return Reading(requests, end, begun)


def _request(data: bytes) -> tuple[Request, bytes]:
    head, mark, rest = data.partition(b"\r\n\r\n")
    if not mark:
        raise _NotWhole
    first, *lines = head.split(b"\r\n")
    line = _REQUEST_LINE.fullmatch(first)
    headers = [_HEADER.fullmatch(each) for each in lines]
    if not line or not all(headers) or len(lines) > MOST_HEADERS or len(head) > LONGEST_HEAD:
        raise _Strange
    method, path, _, version = line.groups()
    fields = [(each[1].lower(), each[2].strip(b" \t")) for each in headers if each]
    if sum(name == b"host" for name, _ in fields) != 1:
        raise _Strange
    options = {
        option.strip().lower()
        for name, value in fields
        if name == b"connection"
        for option in value.split(b",")
    }
    is_old = version == b"0"
    closes = b"close" in options or (is_old and b"keep-alive" not in options)
    try:
        body, rest = _body(fields, rest, is_old=is_old)
    except _NotWhole as stop:
        stop.begun = Request(method, path, stop.body, closes, is_old)
        raise
    return Request(method, path, body, closes, is_old), rest


def _body(fields: list[tuple[bytes, bytes]], rest: bytes, *, is_old: bool) -> tuple[bytes, bytes]:
    """The body of a request and what follows it."""
    lengths = [value for name, value in fields if name == b"content-length"]
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    if codings:
        if codings != [b"chunked"] or lengths or is_old:
            raise _Strange
        return _chunks(rest)
    if lengths and (len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0])):
        raise _Strange
    length = int(lengths[0]) if lengths else 0
    if length > len(rest):
        raise _NotWhole(rest)
    return rest[:length], rest[length:]


def _chunks(data: bytes) -> tuple[bytes, bytes]:
    """A chunked body and what follows it."""
    body = b""
    while True:
        line, data = _line(data, body)
        size = _CHUNK_SIZE.fullmatch(line)
        if not size:
            raise _Strange
        length = int(size[1], 16)
        if not length:
            break
        body += data[:length]
        if len(data) < length + 2:
            raise _NotWhole(body)
        if data[length : length + 2] != b"\r\n":
            raise _Strange
        data = data[length + 2 :]
    while True:
        line, data = _line(data, body)
        if not line:
            return body, data
        if not _HEADER.fullmatch(line):
            raise _Strange


def _line(data: bytes, body: bytes) -> tuple[bytes, bytes]:
    line, mark, rest = data.partition(b"\r\n")
    if not mark:
        raise _NotWhole(body)
    return line, rest


class Reply(NamedTuple):
    status: int
    body: bytes


def read_replies(
    data: bytes, methods: Sequence[bytes], *, has_ended: bool
) -> tuple[list[Reply], bytes]:
    """The final replies to requests of these methods, and what comes after them or is unfinished.

    A reply to HEAD has no body. Raises AssertionError for what is no reply.
    """
    replies: list[Reply] = []
    while data and len(replies) < len(methods):
        method = methods[len(replies)]
        try:
            reply, rest = _reply(data, method, has_ended=has_ended)
        except _NotWhole:
            break
        except _Strange:
            raise AssertionError(f"this is no reply: {data[:200]!r}") from None
        if reply.status >= 200:
            replies.append(reply)
        data = rest
    return replies, data


def _reply(data: bytes, method: bytes, *, has_ended: bool) -> tuple[Reply, bytes]:
    head, mark, rest = data.partition(b"\r\n\r\n")
    if not mark:
        raise _NotWhole
    first, *lines = head.split(b"\r\n")
    line = _STATUS_LINE.fullmatch(first)
    headers = [_HEADER.fullmatch(each) for each in lines]
    if not line or not all(headers):
        raise _Strange
    status = int(line[1])
    fields = {each[1].lower(): each[2].strip(b" \t") for each in headers if each}
    if method == b"HEAD" or status < 200 or status in _NO_BODY:
        return Reply(status, b""), rest
    if fields.get(b"transfer-encoding") == b"chunked":
        body, rest = _chunks(rest)
        return Reply(status, body), rest
    if b"content-length" not in fields:
        if not has_ended:
            raise _NotWhole
        return Reply(status, rest), b""
    length = int(fields[b"content-length"])
    if length > len(rest):
        raise _NotWhole
    return Reply(status, rest[:length]), rest[length:]
