"""One HTTP/1.1 connection, on httptools. Every token passes through here: see `make bench`.

The connection carries one request at a time, and pushes the reply into a receiver as it arrives. It
knows no more of HTTP than the proxy needs. Only `exchange` is awaited.

`states` lists the states of an exchange, and what moves it from one to the next. Two more things
decide when to read and when to give up:

- A receiver that falls behind returns a future when it is fed. Until that future is done, the
  connection does not read from its socket, and the exchange does not end. So a slow client slows
  its model down.
- The receiver's patience says how long the connection waits for more: for the whole head, and then
  for each part of the body. Bytes that complete neither do not restart that clock. It stops while
  the receiver is behind.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from math import inf
from typing import Final, cast

import httptools

from proxy.deadline import Deadline
from proxy.tasks import Behind
from proxy.upstreams.http.heads import ends_with_connection, is_whole, with_one_length
from proxy.upstreams.http.receiver import Feed, Headers, Receiver
from proxy.upstreams.http.states import ASKED, BODY, CLOSED, DONE, HEAD, IDLE

PARSER_FAULTS: Final = (httptools.HttpParserError, httptools.HttpParserUpgrade)
_LONGEST_BETWEEN: Final = 256 * 1024
"""How many bytes may arrive without completing a head or a part of a body."""


class NotHTTPError(Exception):
    """The server sent something other than a reply of HTTP/1.1."""


class NotAnsweredError(Exception):
    """The connection ended before any of the reply arrived. The cause says why."""


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
        "_size_between",
        "_state",
        "_transport",
        "_uses",
        "idle_since",
        "opened_at",
    )

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._state = IDLE
        self._receiver: Receiver | None = None
        self._feed: Feed | None = None
        self._end: asyncio.Future[None] | None = None
        """Done when the exchange is over."""
        self._behind: Behind = None
        self._deadline = Deadline(self._loop)
        """When the receiver's patience ends."""
        self._uses = 0
        self.opened_at = self.idle_since = self._loop.time()

    # The side of whoever asks

    async def exchange(self, outgoing: list[bytes], receiver: Receiver) -> None:
        """Send a whole request and push its reply into `receiver`, until that has taken in all.

        The connection empties `outgoing`, which holds the request, when the head of the answer
        arrives: nobody sends the request again after that, and a long stream should not hold its
        memory. If the exchange fails, the connection closes. Raises NotHTTPError, OSError,
        NotAnsweredError, TimeoutError, and any exception of the receiver.
        """
        self._receiver = receiver
        self._outgoing = outgoing
        self._headers: Headers = []
        self._parts: list[bytes] = []
        self._between: list[bytes] = []
        self._size_between = 0
        self._keeps_alive = False
        self._uses += 1
        # The state before the write: what the loop calls from here on must find that we have asked.
        # The clock after it: it measures the wait for the reply.
        self._state = ASKED
        self._end = self._loop.create_future()
        self._transport.write(outgoing[0])
        self._proceed()
        try:
            await self._end
        except BaseException:  # also a cancellation: the caller that would call `rest` is gone
            self.close()  # even if the reply is complete
            raise
        finally:
            self._receiver = self._feed = self._end = self._behind = None
            self._deadline.at = inf

    @property
    def is_open(self) -> bool:
        return self._state is not CLOSED and not self._transport.is_closing()

    def rest(self) -> bool:
        """Get ready for another exchange. False if the connection cannot serve one."""
        is_over = self._state is DONE and self._receiver is None
        is_sent = not self._transport.get_write_buffer_size()
        if not (is_over and self._keeps_alive and is_sent and self.is_open):
            return False
        self._state = IDLE
        self.idle_since = self._loop.time()
        return True

    def close(self) -> None:
        self._state = CLOSED
        self._transport.abort()

    # The side of the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = new_parser(self)

    def data_received(self, data: bytes) -> None:
        if self._state is not BODY and not self._may_come():
            return
        before = self._state
        is_http = True
        try:
            self._parser.feed_data(data)
        except PARSER_FAULTS as error:
            is_http = self._mend(data, str(error))
        # Feed before the end is looked at: a packet that ends the reply may bring its last words,
        # and the exchange must not end before the receiver has taken them. All parts of a packet
        # go in one call.
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
            self._go_on_between(data, is_http=is_http)
            return
        if is_http and self._state is BODY and self._behind is None and self._receiver is not None:
            # What `_proceed` would do. Two calls less for each packet.
            deadline = self._deadline
            deadline.at = self._loop.time() + self._receiver.patience_s
            if deadline.at < deadline.rings_at:
                deadline.set_timer(self._run_out_of_patience)
        elif is_http or self._state is DONE:  # bytes after a whole reply cannot spoil it
            self._proceed()
        else:
            self._fail(NotHTTPError())

    def connection_lost(self, exc: Exception | None) -> None:
        # Nothing of a reply has arrived: the caller may ask again on another connection. Otherwise
        # closing may be how the reply ends. If neither is so, it broke a reply that was not whole.
        fault = exc if isinstance(exc, OSError) else ConnectionResetError()
        if self._state is ASKED:
            unanswered = NotAnsweredError()
            unanswered.__cause__ = fault
            self._fail(unanswered)
        elif self._state is BODY and exc is None and ends_with_connection(self._headers):
            self._state = DONE
            self._proceed()
        elif self._state is not DONE:
            self._fail(fault)
        self._deadline.stop()
        del self._parser  # it refers to this object, by the methods that it calls

    def _may_come(self) -> bool:
        """Whether these bytes belong to a reply. If not, make the connection unfit for another."""
        if self._state is ASKED:
            self._state = HEAD
        elif self._state is DONE:
            self._keeps_alive = False
        elif self._state is not HEAD:
            self.close()
        return self._state is HEAD

    def _hold_until(self, behind: asyncio.Future[None]) -> None:
        """Stop reading until the receiver has caught up."""
        self._behind = behind
        self._deadline.at = inf
        if self.is_open:
            self._transport.pause_reading()
        behind.add_done_callback(self._go_on)

    def _go_on(self, behind: asyncio.Future[None]) -> None:
        """Read on: the receiver has caught up, or has failed."""
        fault = asyncio.CancelledError() if behind.cancelled() else behind.exception()
        self._behind = None
        if fault is not None:
            self._fail(fault)
            return
        if self.is_open:
            self._transport.resume_reading()
        self._proceed()

    def _go_on_between(self, data: bytes, *, is_http: bool) -> None:
        """Let the head, or the trailers, go on if they may, and the clock of patience with them.

        The parser itself would hold any amount.
        """
        if self._state is HEAD:
            self._between.append(data)
        self._size_between += len(data)
        if not is_http or self._size_between > _LONGEST_BETWEEN:
            self._fail(NotHTTPError())

    def _mend(self, data: bytes, complaint: str) -> bool:
        """Parse a head again, with its length given once. False if what arrived is not HTTP.

        A parser that has complained once complains about everything after it, so each packet comes
        here until the head is whole.
        """
        if self._state is not HEAD or "Content-Length" not in complaint:
            return False
        whole = b"".join((*self._between, data))
        if not is_whole(whole):
            return True
        mended = with_one_length(whole)
        if mended is None:
            return False
        self._parser = new_parser(self)
        self._headers = []
        try:
            self._parser.feed_data(mended)
        except PARSER_FAULTS:
            return False
        return True

    # What comes next

    def _proceed(self) -> None:
        """End the exchange if the reply is complete; otherwise restart the clock of patience.

        Do neither while the receiver is behind.
        """
        if self._behind is not None or self._receiver is None:
            return
        if self._state is DONE:
            if self._end is not None and not self._end.done():
                self._end.set_result(None)
        elif self._state is not CLOSED:
            self._deadline.put_off(self._receiver.patience_s, self._run_out_of_patience)

    def _fail(self, fault: BaseException) -> None:
        """End the exchange, and with it the connection."""
        self.close()
        self._deadline.at = inf
        if self._end is not None and not self._end.done():
            self._end.set_exception(fault)

    def _run_out_of_patience(self) -> None:
        self._fail(TimeoutError())

    # The side of the parser. A second reply to the same request is dropped.

    def on_message_begin(self) -> None:
        if self._state is DONE:
            self._keeps_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._state is HEAD:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._state is not HEAD or self._receiver is None:
            return
        status = self._parser.get_status_code()
        if HTTPStatus.CONTINUE <= status < HTTPStatus.OK:
            self._headers = []  # a notice that the reply will follow, such as 103 Early Hints
        elif status == HTTPStatus.REQUEST_TIMEOUT and self._uses > 1:
            # The server gave up waiting for a request and says so as it closes. That notice crossed
            # our request on the way, so it is no answer to it (RFC 9110, 15.5.9).
            self._fail(NotAnsweredError())
        else:
            self._state = BODY
            self._outgoing.clear()
            self._size_between = 0
            self._between = []
            try:
                self._feed = self._receiver.head(status, self._headers)
            except Exception as fault:  # noqa: BLE001 - the parser would replace it with its own
                self._fail(fault)

    def on_body(self, body: bytes) -> None:
        if self._state is BODY:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        if self._state is BODY:
            self._state = DONE
            self._keeps_alive = self._parser.should_keep_alive()


def new_parser(protocol: object) -> httptools.HttpResponseParser:
    """A parser that calls `protocol` and accepts the replies that aiohttp and httpx accept.

    It accepts lines that end in LF alone, continued lines, control characters in values, and spaces
    after the size of a chunk. None of these can make one reply look like two.
    """
    parser = httptools.HttpResponseParser(protocol)
    parser.set_dangerous_leniencies(
        lenient_headers=True,
        lenient_optional_cr_before_lf=True,
        lenient_spaces_after_chunk_size=True,
    )
    return parser
