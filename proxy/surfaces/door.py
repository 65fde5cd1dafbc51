"""The door: uvicorn's HTTP/1.1 protocol, hardened against clients that have no key.

uvicorn's class does the work. This one adds:

- **It declines an offer to upgrade** and treats the request as an ordinary one (RFC 9110, 7.8).
  httptools stops at the end of such a head and takes the body for another protocol. So a new parser
  reads the head again, without the offer, and then the body.
- **It bounds heads**, in bytes received and in headers. It counts bytes as they arrive, because a
  header line that never ends does not reach the parser's callbacks.
- **It drops trailers** (RFC 9110, 6.5.1): they must not pass for headers.
- **It bounds the time** until a request is complete. The limit depends on the connection's place:

      place     reply         how long
      NEW       none          a second, in which the server may still be busy reading others
      BETWEEN   none, or sent keep_alive_s; before the first request head_timeout_s
      HEAD      any           head_timeout_s from its first byte, then 408
      BODY      to come       left to the application: see `read_body`
      BODY      sent early    linger_s, in which the client may send the rest
      BETWEEN   to come       no limit

- **It counts waiting connections** (`proxy.surfaces.waiting`): all but NEW ones and the last
  above, and none whose end would cost a complete request its reply.
- **If a client hangs up, all of its requests end**, including those that wait for their turn.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from enum import Enum, auto
from math import inf
from typing import TYPE_CHECKING, Any, Final, cast

import httptools
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from proxy.access.addresses import Network, client_address, owner_of
from proxy.errors import BadRequest, HeadTooLarge, MethodNotAllowed, ProxyError, RequestTimeout
from proxy.surfaces.replies import error_reply
from proxy.surfaces.waiting import Waiting

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

_NOT_HTTP: Final = "This is not a valid HTTP/1.1 request."
_MOST_HELD: Final = 256 * 1024
"""How many bytes the door holds behind waiting requests before it stops reading."""
_UNREAD_S: Final = 1.0
"""How long an unread connection does not count against its client."""

_log = logging.getLogger("proxy.access")


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """The limits of a connection. Times are in seconds, sizes in bytes."""

    max_head_bytes: int = 64_000
    max_headers: int = 100
    head_timeout_s: float = 10.0
    keep_alive_s: float = 5.0
    linger_s: float = 5.0
    linger_bytes: int = 20_000_000
    """How many bytes of an answered request the door reads and drops."""
    max_waiting: int = 512
    """The most connections without a complete request."""
    trusted: tuple[Network, ...] = ()
    """The reverse proxies whose X-Forwarded-For counts."""


@dataclass(slots=True)
class Door:
    """Makes the protocol of each connection of one process."""

    limits: DoorLimits
    waiting: Waiting = field(init=False)

    def __post_init__(self) -> None:
        self.waiting = Waiting(self.limits.max_waiting)

    def __call__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> DoorProtocol:
        return DoorProtocol(self, config, server_state, app_state, _loop)


class _Place(Enum):
    """Where the parser is."""

    NEW = auto()
    BETWEEN = auto()
    HEAD = auto()
    BODY = auto()
    SHUT = auto()
    """The door reads nothing more: it has refused or evicted the client."""


class DoorProtocol(HttpToolsProtocol):
    """One connection of a client."""

    def __init__(
        self,
        door: Door,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = door.limits
        self._waiting = door.waiting
        self._place = _Place.NEW
        self._running: RequestResponseCycle | None = None
        """The request that the application answers now or answered last."""
        self._requests = 0
        """How many complete heads have arrived."""
        self._settled: tuple[_Place, bool, int] | None = None
        self._deadline = inf
        self._timer: asyncio.TimerHandle | None = None
        self._held = memoryview(b"")
        """Bytes that have arrived but are not parsed yet."""
        self._head_bytes = 0
        """The bytes of the head's lines that the parser has reported."""
        self._unheard = 0
        """The bytes since the parser last reported a head or a part of a body."""
        self._has_heard = False
        self._hosts = 0
        self._dropped = 0
        """The bytes that arrived for an already answered request."""
        self._peer = ""
        self._client = ""
        """The client's address: another than the peer's, if a trusted proxy says so."""
        self._owner = ""

    # The side of the event loop

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._peer = self._client = self.client[0] if self.client else ""
        self._owner = owner_of(self._peer)
        self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._place = _Place.SHUT
        self.pipeline.clear()
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        self._waiting.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def data_received(self, data: bytes) -> None:
        if self._place is _Place.SHUT:
            self._drop(len(data))
            return
        if self._place is _Place.NEW:
            self._place = _Place.BETWEEN
        if self._held:
            data = b"".join((self._held, data))
        self._held = memoryview(data)
        self._advance()

    def evict(self) -> None:
        _log.info("refused error=too_many_waiting from=%s", self._client)
        self._close_now()

    def _close_now(self) -> None:
        self._place = _Place.SHUT
        self.transport.abort()

    # Parsing

    def _advance(self) -> None:
        """Parse the bytes that have arrived, in pieces no longer than a head may be.

        Bytes behind a waiting request stay unparsed: parsed requests take much more room.
        Reading continues, up to a limit; otherwise nobody would notice that a client hangs up.
        """
        while self._held and not self.pipeline and self._place is not _Place.SHUT:
            room = self._limits.max_head_bytes - self._unheard
            piece, self._held = self._held[:room], self._held[room:]
            self._feed(piece)
        if len(self._held) > _MOST_HELD:
            self.flow.pause_reading()
        elif self.pipeline:
            self.flow.resume_reading()
        self._settle()

    def _feed(self, piece: memoryview) -> None:
        self._has_heard = False
        try:
            self._parse(piece)
        except httptools.HttpParserError as fault:
            ours = fault.__context__
            self._refuse(ours if isinstance(ours, ProxyError) else BadRequest(_NOT_HTTP))
            return
        if self._has_heard or self._place is _Place.SHUT:
            self._unheard = 0
            return
        self._unheard += len(piece)
        if self._unheard >= self._limits.max_head_bytes:
            self._refuse(_too_large(self._limits))

    def _parse(self, piece: memoryview) -> None:
        """Give `piece` to the parser. Raises HttpParserError.

        Each head that offers an upgrade stops the parser at its end.
        """
        while True:
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade as stop:
                if self.parser.get_method() == b"CONNECT":
                    self._refuse(
                        MethodNotAllowed("The proxy opens no tunnels: do not use CONNECT.")
                    )
                    return
                head = self._head_without_offer()
                self.parser = httptools.HttpRequestParser(self)
                self.parser.feed_data(head)
                piece = piece[stop.args[0] :]
            else:
                return

    def _head_without_offer(self) -> bytes:
        """The head that was just parsed. Without this header nothing in it offers an upgrade."""
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join((*lines, b"", b""))

    # The side of the parser

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._place = _Place.HEAD
        self._head_bytes = 0
        self._hosts = 0
        self._client = self._peer

    def on_url(self, url: bytes) -> None:
        self.url += url
        self._head_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._place is not _Place.HEAD:
            return
        limits = self._limits
        if len(self.headers) >= limits.max_headers or self._head_bytes > limits.max_head_bytes:
            raise _too_large(limits)
        name = name.lower()
        self.headers.append((name, value))
        if name == b"host":
            self._hosts += 1
        elif name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue"
        elif name == b"transfer-encoding" and value.lower() != b"chunked":
            raise BadRequest("The proxy reads no transfer coding but 'chunked'.")

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return  # the head is read again
        if self._hosts != 1 and not (self._hosts == 0 and self.parser.get_http_version() == "1.0"):
            raise BadRequest("A request needs exactly one Host header.")  # RFC 9112, 3.2
        if self._limits.trusted and self.client is not None:
            self._client = client_address(self._peer, self._forwarded_for(), self._limits.trusted)
            self.scope["client"] = (self._client, self.client[1])
        super().on_headers_complete()
        self._has_heard = True
        self._place = _Place.BODY
        self._requests += 1
        self._dropped = 0

    def on_body(self, body: bytes) -> None:
        self._has_heard = True
        if self.cycle.response_complete:
            self._drop(len(body))
            return
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._has_heard = True
        self._place = _Place.BETWEEN
        super().on_message_complete()

    def _forwarded_for(self) -> str:
        values = [value for name, value in self.headers if name == b"x-forwarded-for"]
        return b",".join(values).decode("latin-1")

    # The side of the application

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Go on to the next request. uvicorn's own timer of idle connections is not needed."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        self.flow.resume_reading()
        if self._held and not self.pipeline:
            self._advance()
        self._settle()

    # Refusing

    def _refuse(self, error: ProxyError) -> None:
        """Answer an unreadable request with an error, in its turn, and then close."""
        name = error.code or error.type
        _log.info("refused status=%d error=%s from=%s", error.status, name, self._client)
        is_in_body, self._place = self._place is _Place.BODY, _Place.SHUT
        self._held = memoryview(b"")
        cycle = self.cycle
        if is_in_body and self.pipeline:
            # This is the newest request: others are answered first.
            self.pipeline[0] = (cycle, cast("ASGI3Application", _Refusal(error)))
        elif not self._is_answered and (cycle.response_started or not is_in_body):
            cycle.keep_alive = False  # the running reply goes first, and ends the rest
        elif is_in_body and cycle.response_complete:
            self._close_soon()
        else:
            self.transport.write(_reply_bytes(error))
            self._close_soon()
            if is_in_body:
                cycle.waiting_for_100_continue = False  # the reply has told it more than that
                cycle.disconnected = True
                cycle.message_event.set()

    def _close_soon(self) -> None:
        """Send no more, and close when the client does, or after a while.

        Closing while it still sends would reset the connection and lose the reply.
        """
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _drop(self, size: int) -> None:
        """Count bytes that the door reads only to let the client finish."""
        self._dropped += size
        if self._dropped > self._limits.linger_bytes:
            self._close_now()

    # Time

    def _settle(self) -> None:
        """Set the deadline for the current place, and count the connection if it waits there."""
        is_answered = self._is_answered
        now = (self._place, is_answered, self._requests)
        if now == self._settled or self.transport.is_closing():
            return
        self._settled = now
        self._deadline = self.loop.time() + self._time_limit(is_answered=is_answered)
        if self._deadline != inf and (self._timer is None or self._timer.when() > self._deadline):
            self._set_timer()
        if self._place is _Place.NEW:
            return
        if is_answered:
            self._waiting.add(self, self._owner)
        elif self._place is _Place.BODY and not self.pipeline:
            self._waiting.add(self, owner_of(self._client))
        else:
            self._waiting.discard(self)

    @property
    def _is_answered(self) -> bool:
        """Whether no reply is running, and no complete request still needs one."""
        return not self._requests or self.cycle.response_complete or self.cycle.disconnected

    def _time_limit(self, *, is_answered: bool) -> float:
        limits = self._limits
        if self._place is _Place.NEW:
            return _UNREAD_S
        if self._place is _Place.HEAD or (is_answered and not self._requests):
            return limits.head_timeout_s
        if not is_answered:
            return inf
        return limits.keep_alive_s if self._place is _Place.BETWEEN else limits.linger_s

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_at(self._deadline, self._look_at_clock)

    def _look_at_clock(self) -> None:
        """Act on the deadline. If the one timer fires early, set it again: so it is set rarely."""
        self._timer = None
        if self._deadline == inf or self.transport.is_closing():
            return
        if self.loop.time() < self._deadline:
            self._set_timer()
        elif self._place is _Place.NEW:
            self._place = _Place.BETWEEN
            self._settle()
        elif self._place is _Place.HEAD:
            self._refuse(
                RequestTimeout("The request's headers did not arrive in time. Send it again.")
            )
            self._settle()
        elif self._place is _Place.BETWEEN:
            self.transport.close()
        else:
            self.transport.abort()


@dataclass(frozen=True, slots=True)
class _Refusal:
    """The application of a request that the door cannot read to its end."""

    error: ProxyError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = error_reply(self.error)
        reply.headers["connection"] = "close"
        await reply(scope, receive, send)


def _reply_bytes(error: ProxyError) -> bytes:
    """An error as it goes over the wire, for input that never reached the application."""
    reply = error_reply(error)
    reply.headers["connection"] = "close"
    lines = [b"%b: %b\r\n" % header for header in reply.raw_headers]
    return b"".join((STATUS_LINE[error.status], *lines, b"\r\n", bytes(reply.body)))


def _too_large(limits: DoorLimits) -> HeadTooLarge:
    return HeadTooLarge(
        f"The request's head is larger than {limits.max_head_bytes} bytes or has more than "
        f"{limits.max_headers} headers. Send fewer or shorter headers."
    )
