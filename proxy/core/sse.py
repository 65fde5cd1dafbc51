"""Server-sent events: bytes in, events out, and one event back into bytes.

The rules are those of the WHATWG HTML standard, section 9.2.6: lines end in LF, CRLF or CR; an
empty line ends an event; several data lines join with LF; a line that starts with a colon is a
comment.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

DONE: Final = b"data: [DONE]\n\n"
_BOM: Final = b"\xef\xbb\xbf"
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")


class Event(NamedTuple):
    """One event. `name` is the event field, b"" when there was none."""

    data: bytes
    name: bytes = b""


class TooLongError(ValueError):
    """An event grew past the decoder's limit without an end."""


class Decoder:
    """Cuts a byte stream into events, however the network cut the bytes."""

    def __init__(self, limit: int = 32 * 1024 * 1024) -> None:
        """Refuse an event of more than `limit` bytes."""
        self._limit = limit
        self._rest: list[bytes] = []
        """The parts of a line that has not ended."""
        self._rest_size = 0
        self._started = False
        self._after_cr = False
        self._is_between_events = False
        """Whether the next bytes begin a new event."""
        self._size = 0
        self._data: list[bytes] = []
        self._name = b""

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes. Raises TooLongError."""
        size = len(data)
        if (  # most packets of a stream are one event of one line, in the plainest form
            self._is_between_events
            and size <= self._limit
            and data.startswith(b"data: ")
            and data.find(b"\n") == size - 2
            and data.endswith(b"\n\n")
            and b"\r" not in data
        ):
            return [Event(data[6:-2])]
        events = self._events(data)
        has_begun = self._rest or self._size or self._after_cr
        self._is_between_events = self._started and not has_begun
        return events

    def _events(self, data: bytes) -> list[Event]:
        if self._after_cr and data:
            data = data.removeprefix(b"\n")
            self._after_cr = False
        if self._started and b"\n" not in data and b"\r" not in data:
            self._keep(data)
            self._check_size(self._rest_size)
            return []
        text = b"".join((*self._rest, data))
        self._rest, self._rest_size = [], 0
        if not self._started:
            if len(text) < len(_BOM):
                self._keep(text)
                return []
            text = text.removeprefix(_BOM)
            self._started = True
        lines = self._lines(text)
        events = [event for line in lines if (event := self._line(line))]
        self._check_size(self._rest_size)
        return events

    def _keep(self, part: bytes) -> None:
        """Keep a part of a line. `_events` joins the parts once, when the line ends."""
        if part:
            self._rest.append(part)
            self._rest_size += len(part)

    def _lines(self, text: bytes) -> list[bytes]:
        """The complete lines of `text`. Keeps the rest."""
        if b"\r" not in text:
            *lines, rest = text.split(b"\n")
        else:
            # A CR at the very end ends its line now; an LF that follows belongs to the same end.
            self._after_cr = text.endswith(b"\r")
            *lines, rest = _LINE_END.split(text)
        self._keep(rest)
        return lines

    def _line(self, line: bytes) -> Event | None:
        """Take in one line. Returns the event that it ends, if that has data."""
        if not line:
            event = Event(b"\n".join(self._data), self._name) if self._data else None
            self._size, self._data, self._name = 0, [], b""
            return event
        self._size += len(line) + 1
        self._check_size(0)
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value
        return None

    def _check_size(self, more: int) -> None:
        """Refuse an event that is too long, with `more` bytes beyond its complete lines."""
        if self._size + more > self._limit:
            raise TooLongError(f"an event is longer than {self._limit} bytes")


def encode(data: bytes) -> bytes:
    """`data`, one line, as an event."""
    return b"data: " + data + b"\n\n"
