"""One request and the bytes of its reply, with the time at which each part arrived.

During a load, the exchange only keeps the parts. It takes them apart afterwards, outside the
timing.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import Final

HEAD_END: Final = b"\r\n\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"
_EVENT_END: Final = b"\n\n"
_EVENT_END_CRLF: Final = b"\r\n\r\n"


class MalformedReplyError(ValueError):
    """The reply is not whole, or not HTTP."""


@dataclass(slots=True)
class Exchange:
    """`reads` are the parts of the reply as the socket gave them, each with its time."""

    request: bytes
    sent_at: float = 0.0
    reads: list[tuple[float, bytes]] = field(default_factory=list)
    failure: str = ""
    """Why the reply is not whole."""

    @property
    def ended_at(self) -> float:
        return self.reads[-1][0] if self.reads else self.sent_at


class Ending:
    """Notices the end of a reply at the least cost. The checks find what this overlooks."""

    __slots__ = ("_head", "_left", "_tail", "closes")

    def __init__(self) -> None:
        self._head: bytes | None = b""
        self._left = 0
        """How many bytes of the body are still missing; -1 for a body in chunks."""
        self._tail = b""
        self.closes = False
        """Whether the server closes the connection after the reply."""

    def is_here(self, data: bytes) -> bool:
        if self._head is not None:
            self._head += data
            head, found, data = self._head.partition(HEAD_END)
            if not found:
                return False
            self._head = None
            self._left = -1 if is_chunked(head) else content_length(head) or 0
            self.closes = header(head, b"connection") == b"close"
        if self._left < 0:
            self._tail = (self._tail + data)[-len(LAST_CHUNK) :]
            return self._tail == LAST_CHUNK
        self._left -= len(data)
        return self._left <= 0


@dataclass(frozen=True, slots=True)
class Event:
    """A server-sent event's data, and when its last byte arrived."""

    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply taken apart. `ends` says, for each read, how much of the body had arrived by then."""

    status: int
    body: bytes
    ends: tuple[int, ...]
    times: tuple[float, ...]

    def events(self) -> list[Event]:
        """The events of a stream. Raises MalformedReplyError if something follows the last."""
        separator = _EVENT_END if _EVENT_END in self.body else _EVENT_END_CRLF
        *texts, rest = self.body.split(separator)
        if rest:
            raise MalformedReplyError(f"the stream ends within an event: {rest[:80]!r}")
        events = []
        end = 0
        for text in texts:
            end += len(text) + len(separator)
            if data := _data(text):
                events.append(Event(self.times[bisect.bisect_left(self.ends, end)], data))
        return events


def read_reply(exchange: Exchange) -> Reply:
    """Raises MalformedReplyError."""
    if exchange.failure:
        raise MalformedReplyError(exchange.failure)
    raw = b"".join(data for _, data in exchange.reads)
    head, found, rest = raw.partition(HEAD_END)
    if not found:
        raise MalformedReplyError(f"no reply, but {raw[:80]!r}")
    status = int(head.split(b" ", 2)[1])
    start = len(head) + len(HEAD_END)
    spans = _spans(rest) if is_chunked(head) else [(0, len(rest))]
    body = b"".join(rest[begin:end] for begin, end in spans)
    length = content_length(head)
    if length is not None and length != len(body):
        raise MalformedReplyError(f"a body of {len(body)} bytes that says it has {length}")
    times, ends = _arrivals(exchange, start, spans)
    return Reply(status, body, ends, times)


def is_chunked(head: bytes) -> bool:
    return b"chunked" in (header(head, b"transfer-encoding") or b"").lower()


def content_length(head: bytes) -> int | None:
    value = header(head, b"content-length")
    return None if value is None else int(value)


def header(head: bytes, name: bytes) -> bytes | None:
    """A header's value; `name` is lower case."""
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return None


def _data(text: bytes) -> bytes:
    """The data lines of an event, joined; b"" for a comment."""
    lines = (line.removesuffix(b"\r") for line in text.split(b"\n"))
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:"))


def _spans(rest: bytes) -> list[tuple[int, int]]:
    """Where the data is in a whole body in HTTP's chunked encoding."""
    spans = []
    at = 0
    while True:
        line_end = rest.find(b"\r\n", at)
        if line_end < 0:
            raise MalformedReplyError("the reply breaks off within a chunk")
        size = int(rest[at:line_end].partition(b";")[0], 16)
        begin = line_end + 2
        end = begin + size
        if rest[end : end + 2] != b"\r\n":
            raise MalformedReplyError("the reply breaks off within a chunk")
        at = end + 2
        if not size:
            break
        spans.append((begin, end))
    if at != len(rest):
        raise MalformedReplyError(f"something follows the reply: {rest[at : at + 80]!r}")
    return spans


def _arrivals(
    exchange: Exchange, start: int, spans: list[tuple[int, int]]
) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """When reads came, and how much of the decoded body was there after each."""
    times, ends = [], []
    raw_end = -start
    index = decoded = 0
    for at, data in exchange.reads:
        raw_end += len(data)
        while index < len(spans) and spans[index][1] <= raw_end:
            decoded += spans[index][1] - spans[index][0]
            index += 1
        partly = max(0, raw_end - spans[index][0]) if index < len(spans) else 0
        times.append(at)
        ends.append(decoded + partly)
    return tuple(times), tuple(ends)
