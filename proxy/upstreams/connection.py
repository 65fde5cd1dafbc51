"""One HTTP/1.1 connection, on httptools. Every token passes through here: see `make bench`.

It does what the proxy needs of HTTP and no more: one request at a time, its reply read as it comes.
A reader that does not read stops the connection, so that a slow client slows its model down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import copy
from typing import Final, cast

import httptools

from proxy.upstreams.heads import is_whole, with_one_length

_HIGH_WATER: Final = 64 * 1024
"""As many bytes of a body may wait to be read, beside those of the last packet."""
_LONGEST_BETWEEN: Final = 256 * 1024
"""As many bytes may come without bringing a head, or a part of a body."""

Headers = list[tuple[bytes, bytes]]
Taker = Callable[[bytes], bool]
"""Is offered a part of a body; True if it has taken it."""


class NotHTTPError(Exception):
    """What came is not a reply of HTTP/1.1."""


class Connection(asyncio.Protocol):
    """A connection, made by `loop.create_connection(Connection)`."""

    __slots__ = (
        "_between",
        "_deadline",
        "_fault",
        "_has_answered",
        "_has_come",
        "_has_head",
        "_headers",
        "_is_busy",
        "_is_complete",
        "_is_paused",
        "_keeps_alive",
        "_loop",
        "_parser",
        "_parts",
        "_size",
        "_size_between",
        "_taker",
        "_timeout_s",
        "_timer",
        "_transport",
        "_waiter",
        "idle_since",
        "opened_at",
        "status",
    )

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timeout_s = 0.0
        self._deadline = 0.0
        self._fault: Exception | None = None
        self._is_busy = False
        self.opened_at = self._loop.time()
        self.idle_since = 0.0
        self._expect()

    def _new_parser(self) -> httptools.HttpResponseParser:
        """A parser that reads what aiohttp and httpx read, too.

        Lines that end in LF alone, continued lines, control characters in values, and spaces behind
        the size of a chunk. None of these can make one reply look like two.
        """
        parser = httptools.HttpResponseParser(self)
        parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        return parser

    def _expect(self) -> None:
        """Begin to read a reply."""
        self.status = 0
        self._headers: Headers = []
        self._between: list[bytes] = []
        self._size_between = 0
        self._has_come = False
        self._parts: list[bytes] = []
        self._size = 0
        self._has_answered = False
        self._has_head = False
        self._is_complete = False
        self._is_paused = False
        self._keeps_alive = False
        self._taker: Taker | None = None

    # The side of whoever asks

    def send(self, request: bytes) -> None:
        """Send a whole request. Its reply is then read with `head` and `read`."""
        self._expect()
        self._is_busy = True
        self._transport.write(request)

    async def head(self, timeout_s: float) -> tuple[int, Headers]:
        """Status and headers of the reply. Raises NotHTTPError, OSError and TimeoutError."""
        while not self._has_head:
            if self._fault is not None:
                raise copy(self._fault)  # what is raised refers to this object, by its traceback
            await self._wait(timeout_s)
        return self.status, self._headers

    async def read(self, timeout_s: float) -> bytes:
        """What has come of the body since the last time, b"" at its end. Raises as `head`."""
        while not self._parts:
            if self._is_complete:
                return b""
            if self._fault is not None:
                raise copy(self._fault)  # what is raised refers to this object, by its traceback
            await self._wait(timeout_s)
        parts, self._parts = self._parts, []
        self._size = 0
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def offer(self, taker: Taker) -> None:
        """Offer `taker` each part of the body that comes while `read` waits, before it is read.

        What is taken wakes nobody: that is half of what it costs to hand on a token. What is not
        taken is read as ever, and nothing is offered before it has been.
        """
        self._taker = taker

    @property
    def has_answered(self) -> bool:
        """Whether anything of a reply has come."""
        return self._has_answered

    @property
    def is_open(self) -> bool:
        return self._fault is None and not self._transport.is_closing()

    def rest(self) -> bool:
        """End the exchange; False if the connection cannot be used for another one."""
        self._is_busy = False
        self._taker = None
        self.idle_since = self._loop.time()
        is_sent = not self._transport.get_write_buffer_size()
        is_read = self._is_complete and not self._is_paused
        return is_read and self._keeps_alive and is_sent and self.is_open

    def close(self) -> None:
        self._transport.abort()

    def _wait(self, timeout_s: float) -> asyncio.Future[None]:
        """Ends when something happens.

        There is one timer, which is set anew only when it fires too early: in most exchanges never.
        """
        self._timeout_s = timeout_s
        self._deadline = self._loop.time() + timeout_s
        if self._timer is None or self._timer.when() > self._deadline:
            self._set_timer()
        self._waiter = self._loop.create_future()
        return self._waiter

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._deadline, self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._deadline:
            self._set_timer()
        else:
            waiter, self._waiter = self._waiter, None  # which will refer to this object, too
            waiter.set_exception(TimeoutError())

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # The side of the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = self._new_parser()

    def data_received(self, data: bytes) -> None:
        if not self._is_busy:
            self._transport.abort()  # nobody has asked
            return
        self._has_answered = True
        is_awaited = self._waiter is not None and not self._waiter.done()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._mend(data, str(error))
        except httptools.HttpParserUpgrade:
            self._break(NotHTTPError())
        if self._has_come:
            self._has_come = False
            self._size_between = 0
        else:
            self._mind_what_is_between(data)
        if is_awaited and self._taker is not None and self._is_taken(self._taker):
            return
        if self._size > _HIGH_WATER and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def _mind_what_is_between(self, data: bytes) -> None:
        """Refuse a head, or trailers, that never end: the parser would gather them."""
        if not self._has_head:
            self._between.append(data)
        self._size_between += len(data)
        if self._size_between > _LONGEST_BETWEEN:
            self._break(NotHTTPError())

    def _mend(self, data: bytes, complaint: str) -> None:
        """Read a head anew of which the parser refuses the length, if it can be told all the same.

        A parser that has complained does so whatever comes, so the rest of the head comes here.
        """
        whole = b"".join((*self._between, data))
        may_be_mended = not self._has_head and "Content-Length" in complaint
        if may_be_mended and not is_whole(whole):
            return
        mended = with_one_length(whole) if may_be_mended else None
        if mended is None:
            self._break(NotHTTPError())
            return
        self._parser = self._new_parser()
        self._headers = []
        try:
            self._parser.feed_data(mended)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._break(NotHTTPError())

    def _is_taken(self, taker: Taker) -> bool:
        """Whether all that has come, one part of a body, is taken and nobody need be woken."""
        if len(self._parts) != 1 or self._is_complete or self._fault is not None:
            return False
        if not taker(self._parts[0]):
            return False
        self._parts = []
        self._size = 0
        self._deadline = self._loop.time() + self._timeout_s
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None and self._ends_with_connection:
            self._is_complete = True
        self._break(exc if isinstance(exc, OSError) else ConnectionResetError())
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        del self._parser  # which refers to this object by what it calls
        self._wake()

    def _break(self, fault: Exception) -> None:
        """Take no more from this connection. A reply that is complete stays so."""
        self._keeps_alive = False
        self._fault = self._fault or fault.with_traceback(None)
        self._transport.abort()

    # The side of the parser. Of a second reply to one request nothing is taken in.

    def on_message_begin(self) -> None:
        if self._is_complete:
            self._break(NotHTTPError())

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._has_head:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._is_complete:
            return
        self.status = self._parser.get_status_code()
        if self._is_interim:
            self._headers = []
            return
        self._has_head = self._has_come = True

    def on_body(self, body: bytes) -> None:
        if self._is_complete:
            return
        self._parts.append(body)
        self._size += len(body)
        self._has_come = True

    def on_message_complete(self) -> None:
        if not self._is_interim:
            self._is_complete = True
            self._keeps_alive = self._parser.should_keep_alive()

    @property
    def _ends_with_connection(self) -> bool:
        """Whether a reply has begun that says nothing of its length."""
        if not self._has_head:
            return False
        told = [(name.lower(), value.strip().lower()) for name, value in self._headers]
        codings = {value for name, value in told if name == b"transfer-encoding"}
        has_length = any(name == b"content-length" for name, _ in told)
        return not has_length and codings <= {b"identity"}

    @property
    def _is_interim(self) -> bool:
        """Whether this is only a notice that a reply will follow, such as 103 Early Hints."""
        return 100 <= self.status < 200  # noqa: PLR2004  # HTTP's range of statuses
