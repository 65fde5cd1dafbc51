"""Server-sent events: any bytes, cut anywhere, against a reader of the standard's own words."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from random import Random
from typing import Final

from proxy.core.sse import Decoder, Event, TooLongError
from tests.fuzz.mutation import broken_bytes, cut

_LINES: Final = (
    b"data: a",
    b"data:",
    b"data",
    b"data: [DONE]",
    b"data:  b: c",
    b"event: e",
    b"event",
    b": comment",
    b"id: 1",
    b"retry: 1",
    b"\xef\xbb\xbfdata: d",
    b"data: \xff\x00\xe2\x80\xa8",
    b"",
    b"",
    b"",
)
_ENDS: Final = (b"\n", b"\n", b"\r\n", b"\r")
_LIMIT: Final = 40


class Events:
    """The decoder of `proxy/core/sse.py`."""

    name = "sse"

    def draw(self, random: Random) -> bytes:
        count = random.choice((3, 10, 40))
        data = b"".join(random.choice(_LINES) + random.choice(_ENDS) for _ in range(count))
        return broken_bytes(random, data) if random.random() < 0.5 else data

    def check(self, case: bytes) -> None:
        """Whole, byte by byte and in pieces it is read as it stands, or refused as too long."""
        random = Random(zlib.crc32(case))
        ways = [[case], [bytes([byte]) for byte in case]]
        ways += [cut(random, case, most) for most in (2, 5, 20)]
        expected = read_plainly(case)
        for parts in ways:
            found = _decoded(Decoder(), parts)
            assert found == expected, f"in {len(parts)} parts: {found!r}, not {expected!r}"
        limited = [_decoded(Decoder(_LIMIT), parts) is None for parts in ways]
        assert len(set(limited)) == 1, f"too long in some cuts only: {limited}"


def _decoded(decoder: Decoder, parts: Iterable[bytes]) -> list[Event] | None:
    """The events; None if one is too long."""
    try:
        return [event for part in parts for event in decoder.feed(part)]
    except TooLongError:
        return None


def read_plainly(data: bytes) -> list[Event]:
    """The events of a whole stream, read byte by byte after HTML, 9.2.6. An unfinished one is none.

    It shares nothing with the decoder but the type of an event.
    """
    lines, line, place = [], bytearray(), 3 if data[:3] == b"\xef\xbb\xbf" else 0
    while place < len(data):
        byte = data[place]
        if byte in b"\r\n":
            lines.append(bytes(line))
            line.clear()
            if byte == ord("\r") and data[place + 1 : place + 2] == b"\n":
                place += 1
        else:
            line.append(byte)
        place += 1
    events: list[Event] = []
    values: list[bytes] = []
    name = b""
    for each in lines:
        colon = each.find(b":")
        field = each if colon < 0 else each[:colon]
        value = b"" if colon < 0 else each[colon + 1 :]
        value = value[1:] if value[:1] == b" " else value
        if not each:
            if values:
                events.append(Event(b"\n".join(values), name))
            values, name = [], b""
        elif field == b"data":
            values.append(value)
        elif field == b"event":
            name = value
    return events
