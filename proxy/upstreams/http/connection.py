"""One HTTP/1.1 connection, on httptools. Every token passes through here: see `make bench`.

It does what the proxy needs of HTTP and no more: one request at a time, whose reply is pushed into
a receiver as it comes. Only `exchange` is awaited.

One state says where an exchange is. What happens moves it as follows; the table has no other rows.

    state      what happens                    state after it
    IDLE       a request is sent               ASKED
    IDLE       anything comes                  CLOSED: nobody has asked
    ASKED      a byte of a reply comes         HEAD
    HEAD       a notice comes, such as 103     HEAD
    HEAD       the head is complete            BODY
    HEAD       it is 408 to a kept connection  CLOSED, as if nothing had come
    BODY       a part of the body comes        BODY
    BODY       the reply is complete           DONE
    BODY       the peer closes, and that is    DONE, and not used again
               how the reply says its end
    DONE       anything comes, or the peer     DONE, and not used again
               closes
    DONE       it is made ready for another    IDLE
    all but    it breaks, or what comes is     CLOSED
      DONE     not HTTP
    any        the receiver has a fault, or    CLOSED
               nobody awaits the exchange

Two things go on beside it. A receiver that falls behind returns a future when it is fed: until that
is done, nothing is read from the socket, so that a slow client slows its model down, and the
exchange does not end. And patience: the receiver says how long it waits for more, and that time
does not run while it is behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum, auto
from http import HTTPStatus
from math import inf
from typing import Final, Protocol, cast

import httptools

from proxy.tasks import Behind
from proxy.upstreams.http.heads import is_whole, with_one_length

_LONGEST_BETWEEN: Final = 256 * 1024
"""As many bytes may come without bringing a head, or a part of a body."""

_PARSER_FAULTS: Final = (httptools.HttpParserError, httptools.HttpParserUpgrade)

Headers = list[tuple[bytes, bytes]]
Feed = Callable[[bytes], Behind]


class Receiver(Protocol):
    """Takes in one reply as it comes. What it raises ends the exchange, and is raised there."""

    patience_s: float
    """How long to wait for more, in seconds; looked at whenever something has been taken in."""

    def head(self, status: int, headers: Headers) -> Feed:
        """Take in the head of the reply; gives what its body is to be fed to, part by part."""


class NotHTTPError(Exception):
    """What came is not a reply of HTTP/1.1."""


class NotAnsweredError(Exception):
    """The connection ended before anything of a reply came; why, is its cause."""


class _State(Enum):
    IDLE = auto()
    ASKED = auto()
    HEAD = auto()
    BODY = auto()
    DONE = auto()
    CLOSED = auto()


# A member of an Enum is looked up slowly, and these are compared for each packet.
_IDLE, _ASKED, _HEAD, _BODY, _DONE, _CLOSED = _State


class Connection(asyncio.Protocol):
    """A connection, made by `loop.create_connection(Connection)`."""

    __slots__ = (
        "_behind",
        "_between",
        "_deadline",
        "_end",
        "_feed",
        "_headers",
        "_keeps_alive",
        "_loop",
        "_outgoing",
        "_parser",
        "_parts",
        "_receiver",
        "_rings_at",
        "_size_between",
        "_state",
        "_timer",
        "_transport",
        "_uses",
        "idle_since",
        "opened_at",
    )

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._state = _IDLE
        self._receiver: Receiver | None = None
        self._feed: Feed | None = None
        self._end: asyncio.Future[None] | None = None
        """Done when the exchange is."""
        self._behind: Behind = None
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = inf
        """When the timer fires."""
        self._deadline = inf
        """When patience ends; the timer fires no later."""
        self._uses = 0
        self.opened_at = self.idle_since = self._loop.time()

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

    # The side of whoever asks

    async def exchange(self, outgoing: list[bytes], receiver: Receiver) -> None:
        """Send a whole request and push its reply into `receiver`; ends when both are done.

        `outgoing` holds the request, and is emptied when its answer begins: the request is not sent
        again then, and a long stream need not hold it. However else the exchange ends, the
        connection is closed. Raises NotHTTPError, OSError, NotAnsweredError, TimeoutError, and what
        the receiver raises.
        """
        self._receiver = receiver
        self._outgoing = outgoing
        self._headers: Headers = []
        self._parts: list[bytes] = []
        self._between: list[bytes] = []
        self._size_between = 0
        self._keeps_alive = False
        self._uses += 1
        self._state = _ASKED
        self._end = self._loop.create_future()
        self._transport.write(outgoing[0])
        self._proceed()
        try:
            await self._end
        except BaseException:
            self.close()  # also if the reply is complete: nobody has it that could let it rest
            raise
        finally:
            self._receiver = self._feed = self._end = self._behind = None
            self._deadline = inf

    @property
    def is_open(self) -> bool:
        return self._state is not _CLOSED and not self._transport.is_closing()

    def rest(self) -> bool:
        """Be ready for another exchange; False if that cannot be."""
        is_over = self._state is _DONE and self._receiver is None
        is_sent = not self._transport.get_write_buffer_size()
        if not (is_over and self._keeps_alive and is_sent and self.is_open):
            return False
        self._state = _IDLE
        self.idle_since = self._loop.time()
        return True

    def close(self) -> None:
        self._state = _CLOSED
        self._transport.abort()

    # The side of the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = self._new_parser()

    def data_received(self, data: bytes) -> None:
        if self._state is not _BODY and not self._may_come():
            return
        before = self._state
        is_http = True
        try:
            self._parser.feed_data(data)
        except _PARSER_FAULTS as error:
            is_http = self._mend(data, str(error))
        if self._parts and self._feed is not None:
            parts, self._parts = self._parts, []
            self._size_between = 0
            try:
                behind = self._feed(parts[0] if len(parts) == 1 else b"".join(parts))
            except Exception as fault:  # noqa: BLE001 - raised where the exchange is awaited
                self._fail(fault)
                return
            if behind is not None:
                self._hold_until(behind)
        elif self._state is before:
            is_http = is_http and self._is_short_between(data)
        if is_http and self._state is _BODY and self._behind is None and self._receiver is not None:
            # As `_proceed`: a call of that for each packet would cost too much.
            self._deadline = self._loop.time() + self._receiver.patience_s
            if self._deadline < self._rings_at:
                self._set_timer()
        elif is_http or self._state is _DONE:  # a whole reply stays one, whatever follows it
            self._proceed()
        else:
            self._fail(NotHTTPError())

    def connection_lost(self, exc: Exception | None) -> None:
        fault = exc if isinstance(exc, OSError) else ConnectionResetError()
        if self._state is _ASKED:
            unanswered = NotAnsweredError()
            unanswered.__cause__ = fault
            self._fail(unanswered)
        elif self._state is _BODY and exc is None and self._ends_with_connection:
            self._state = _DONE
            self._proceed()
        elif self._state is not _DONE:
            self._fail(fault)
        self._stop_timer()
        del self._parser  # which refers to this object by what it calls

    def _may_come(self) -> bool:
        """Whether what has come belongs to a reply. If not, the connection is used no more."""
        if self._state is _ASKED:
            self._state = _HEAD
        elif self._state is _DONE:
            self._keeps_alive = False
        elif self._state is not _HEAD:
            self.close()
        return self._state is _HEAD

    def _hold_until(self, behind: asyncio.Future[None]) -> None:
        """Read nothing more before the receiver has caught up."""
        self._behind = behind
        self._deadline = inf
        if self.is_open:
            self._transport.pause_reading()
        behind.add_done_callback(self._go_on)

    def _go_on(self, behind: asyncio.Future[None]) -> None:
        """Read on: the receiver is behind no more."""
        fault = asyncio.CancelledError() if behind.cancelled() else behind.exception()
        self._behind = None
        if fault is not None:
            self._fail(fault)
            return
        if self.is_open:
            self._transport.resume_reading()
        self._proceed()

    def _is_short_between(self, data: bytes) -> bool:
        """Whether a head, or trailers, may still end: the parser would gather what never does."""
        if self._state is _HEAD:
            self._between.append(data)
        self._size_between += len(data)
        return self._size_between <= _LONGEST_BETWEEN

    def _mend(self, data: bytes, complaint: str) -> bool:
        """Read a head anew of which the parser refuses the length; False if it is not HTTP.

        A parser that has complained does so whatever comes, so the rest of the head comes here.
        """
        if self._state is not _HEAD or "Content-Length" not in complaint:
            return False
        whole = b"".join((*self._between, data))
        if not is_whole(whole):
            return True
        mended = with_one_length(whole)
        if mended is None:
            return False
        self._parser = self._new_parser()
        self._headers = []
        try:
            self._parser.feed_data(mended)
        except _PARSER_FAULTS:
            return False
        return True

    # What comes next

    def _proceed(self) -> None:
        """End the exchange if the reply is complete, or wait for more; not while one is behind."""
        if self._behind is not None or self._receiver is None:
            return
        if self._state is _DONE:
            if self._end is not None and not self._end.done():
                self._end.set_result(None)
        elif self._state is not _CLOSED:
            self._deadline = self._loop.time() + self._receiver.patience_s
            if self._deadline < self._rings_at:
                self._set_timer()

    def _fail(self, fault: BaseException) -> None:
        """End the exchange, and with it the connection."""
        self.close()
        self._deadline = inf
        if self._end is not None and not self._end.done():
            self._end.set_exception(fault)

    # Patience. There is one timer, which is set anew only when it fires too early: in most
    # exchanges never.

    def _set_timer(self) -> None:
        self._stop_timer()
        self._timer = self._loop.call_at(self._deadline, self._look_at_clock)
        self._rings_at = self._deadline

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._rings_at = inf

    def _look_at_clock(self) -> None:
        self._stop_timer()
        if self._loop.time() >= self._deadline:
            self._fail(TimeoutError())
        elif self._deadline != inf:
            self._set_timer()

    # The side of the parser. Of a second reply to one request nothing is taken in.

    def on_message_begin(self) -> None:
        if self._state is _DONE:
            self._keeps_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._state is _HEAD:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._state is not _HEAD or self._receiver is None:
            return
        status = self._parser.get_status_code()
        if HTTPStatus.CONTINUE <= status < HTTPStatus.OK:
            self._headers = []  # only a notice that a reply will follow, such as 103 Early Hints
        elif status == HTTPStatus.REQUEST_TIMEOUT and self._uses > 1:
            # The server waits no longer for a request, and says so when it closes: its notice and
            # our request have crossed each other on their way (RFC 9110, 15.5.9).
            self._fail(NotAnsweredError())
        else:
            self._state = _BODY
            self._outgoing.clear()
            self._size_between = 0
            self._between = []
            try:
                self._feed = self._receiver.head(status, self._headers)
            except Exception as fault:  # noqa: BLE001 - the parser would make it one of its own
                self._fail(fault)

    def on_body(self, body: bytes) -> None:
        if self._state is _BODY:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        if self._state is _BODY:
            self._state = _DONE
            self._keeps_alive = self._parser.should_keep_alive()

    @property
    def _ends_with_connection(self) -> bool:
        """Whether the reply that has begun says nothing of its length."""
        told = [(name.lower(), value.strip().lower()) for name, value in self._headers]
        codings = {value for name, value in told if name == b"transfer-encoding"}
        has_length = any(name == b"content-length" for name, _ in told)
        return not has_length and codings <= {b"identity"}
