"""The door: uvicorn's HTTP/1.1 protocol, hardened against clients that have no key.

uvicorn's class does the work. The door adds:

- **It checks what it reads**: see `door_reading`.
- **It bounds the bytes of a head as they arrive**, because a header line that never ends does not
  reach the parser's callbacks.
- **It bounds the time** until a request is complete. The limit depends on the connection's place:
  see `door_limits`.
- **It counts waiting connections** (`waiting`). It leaves out those that are NEW, those that wait
  for a reply, and those whose end would cost a complete request its reply.
- **It cuts clients off that take nothing** of what waits for them: see `client_end`.
- **If a client hangs up, all of its requests end**, including those that wait for their turn.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from proxy.access.addresses import owner_of
from proxy.deadline import Deadline
from proxy.errors import ProxyError, RequestTimeout
from proxy.surfaces.door_limits import DoorLimits, Place, time_limit, too_large
from proxy.surfaces.door_reading import DoorReader
from proxy.surfaces.door_refusals import Refusal, reply_bytes
from proxy.surfaces.waiting import Waiting
from proxy.telemetry.log_fields import Fields
from proxy.telemetry.log_line import LogLine

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

_MOST_HELD: Final = 256 * 1024
"""How many bytes the door holds behind waiting requests before it stops reading."""

_log = logging.getLogger("proxy.access")


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


class DoorProtocol(DoorReader):
    """One connection of a client."""

    __slots__ = (
        "_deadline",
        "_held",
        "_owner",
        "_running",
        "_settled",
        "_unheard",
        "_waiting",
    )

    def __init__(
        self,
        door: Door,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(door.limits, config, server_state, app_state, _loop)
        self._waiting = door.waiting
        self._running: RequestResponseCycle | None = None
        """The request that the application is answering, or that it answered last."""
        self._settled: tuple[Place, bool, int] | None = None
        self._deadline = Deadline(self.loop)
        self._held = memoryview(b"")
        """Bytes that have arrived but are not parsed yet."""
        self._unheard = 0
        """The bytes since the parser last reported a head or a part of a body."""
        self._owner = ""

    # The side of the event loop

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._client_end.attach(transport)
        self._peer = self._client = self.client[0] if self.client else ""
        self._owner = owner_of(self._peer)
        self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._client_end.has_stalled and self._is_answered:  # else the request's line says it
            _log.info(LogLine(("cut",), {"client": "stalled", "from": self._client}))
        super().connection_lost(exc)
        self._place = Place.SHUT
        self.pipeline.clear()
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        self._waiting.discard(self)
        self._deadline.stop()
        self._client_end.rest()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._client_end.watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._client_end.rest()

    def data_received(self, data: bytes) -> None:
        if self._place is Place.SHUT:
            self._drop(len(data))
            return
        if self._place is Place.NEW:
            self._place = Place.BETWEEN
        if self._held:
            data = b"".join((self._held, data))
        self._held = memoryview(data)
        self._advance()

    def evict(self) -> None:
        _log.info(LogLine(("refused",), {"error": "too_many_waiting", "from": self._client}))
        self._close_now()

    # Parsing

    def _advance(self) -> None:
        """Parse the bytes that have arrived, in pieces no longer than a head may be.

        Bytes behind a waiting request stay unparsed: parsed requests take much more room. But the
        door reads on, up to a limit, because it would not notice otherwise that a client hangs up.
        """
        while self._held and not self.pipeline and self._place is not Place.SHUT:
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
        except ProxyError as error:
            self._refuse(error)
            return
        if self._has_heard or self._place is Place.SHUT:
            self._unheard = 0
            return
        self._unheard += len(piece)
        if self._unheard >= self._limits.max_head_bytes:
            self._refuse(too_large(self._limits))

    # The side of the application

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        if not self.flow.write_paused:  # what is written from now on would hide what is taken
            self._client_end.rest()
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Go on to the next request. This replaces uvicorn's method, and its timer of idleness."""
        self.server_state.total_requests += 1
        self._client_end.watch()
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
        """Answer an unreadable request with an error when its turn comes, and then close."""
        name = error.code or error.type
        fields: Fields = {"status": error.status, "error": name, "from": self._client}
        _log.info(LogLine(("refused",), fields))
        is_in_body, self._place = self._place is Place.BODY, Place.SHUT
        self._held = memoryview(b"")
        cycle = self.cycle
        if is_in_body and self.pipeline:
            # This is the newest request. The application answers the others first.
            self.pipeline[0] = (cycle, cast("ASGI3Application", Refusal(error)))
        elif not self._is_answered and (cycle.response_started or not is_in_body):
            cycle.keep_alive = False  # finish the running reply, and close after it
        elif is_in_body and cycle.response_complete:
            self._close_soon()
        else:
            self.transport.write(reply_bytes(error))
            self._close_soon()
            if is_in_body:
                cycle.waiting_for_100_continue = False  # the refusal is the final answer
                cycle.disconnected = True
                cycle.message_event.set()

    def _close_soon(self) -> None:
        """Send no more, and close when the client does, or after a while.

        Closing while the client still sends would reset the connection and lose the reply.
        """
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    # Time

    def _settle(self) -> None:
        """Set the deadline for the current place, and count the connection if it waits there."""
        is_answered = self._is_answered
        now = (self._place, is_answered, self._requests)
        if now == self._settled or self.transport.is_closing():
            return
        self._settled = now
        limit_s = time_limit(
            self._limits, self._place, is_answered=is_answered, is_first=not self._requests
        )
        self._deadline.put_off(limit_s, self._run_out_of_time)
        if self._place is Place.NEW:
            return
        if is_answered:
            self._waiting.add(self, self._owner)
        elif self._place is Place.BODY and not self.pipeline:
            self._waiting.add(self, owner_of(self._client))
        else:
            self._waiting.discard(self)

    @property
    def _is_answered(self) -> bool:
        """Whether no reply is running, and no complete request still needs one."""
        return not self._requests or self.cycle.response_complete or self.cycle.disconnected

    def _run_out_of_time(self) -> None:
        if self.transport.is_closing():
            return
        if self._place is Place.NEW:
            self._place = Place.BETWEEN
            self._settle()
        elif self._place is Place.HEAD:
            self._refuse(
                RequestTimeout("The request's headers did not arrive in time. Send it again.")
            )
            self._settle()
        elif self._place is Place.BETWEEN:
            self.transport.close()
        else:
            self.transport.abort()
