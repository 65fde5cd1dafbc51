"""The streamed reply: server-sent events, over ASGI without Starlette's response.

A plain ASGI send costs less per chunk than StreamingResponse, and no generator can stay open when
the client hangs up.

Theory of operation:

A stream is silent, then begun, then ended. While it is silent, nothing has gone out, and an error
can still become a reply with a status of its own. The first chunk begins the stream with status
200; from then on an error can only be the last event. Three parties write: the engine by `hear`,
the clock by a heartbeat, and the surface by `finish` or `fail`. All of them make plain calls on one
event loop, so no event is cut by another, and the outbox keeps their order.

- Heartbeats need one timer for each stream, not for each chunk. `hear` moves the time at which the
  next beat is due. When the timer fires early, it sets itself again.
- A client that reads slowly makes the outbox return a future. `hear` hands it back, and the
  connection to the model reads nothing until it is done. Beats pause as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from starlette.types import Send

from proxy.core.frames import TextChunk
from proxy.core.hidden import HiddenTool, Job, Outcome
from proxy.core.inflight import Hold
from proxy.core.wire import Chunk
from proxy.errors import ProxyError
from proxy.surfaces.api import Events
from proxy.surfaces.outbox import Outbox
from proxy.tasks import Behind

_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Patience:
    """When a client gets a sign of life, in seconds."""

    commit_after_s: float
    """If the reply has not begun after this time, a heartbeat begins it."""
    heartbeat_s: float
    """If the reply has been silent for this time, it gets another heartbeat."""
    held_s: Callable[[float], float] = lambda _: 0.0
    """How much of the time until now counts for nothing before the reply begins.

    So a request that waits for its turn may still be refused with a status.
    """


class EventStream:
    """One streamed reply. It begins with the first thing that the client may hear.

    Until then an error can have a real status; after that, an error is one last event. As a context
    manager, the stream sends heartbeats while nothing else goes out.
    """

    def __init__(
        self,
        send: Send,
        events: Events,
        late_headers: Callable[[], Headers],
        patience: Patience,
        held: Hold | None = None,
    ) -> None:
        """`events` are what the API at hand says.

        `late_headers` returns the headers that are known only when the reply begins.

        `held` counts what waits for the client.
        """
        self._outbox = Outbox(send, held)
        self._events = events
        self._late_headers = late_headers
        self._heartbeat_s = patience.heartbeat_s
        self._held_s = patience.held_s
        self._loop = asyncio.get_running_loop()
        self._beats_at = self._loop.time() + patience.commit_after_s
        self._timer: asyncio.TimerHandle | None = None
        self.has_begun = False
        self.has_ended = False

    async def __aenter__(self) -> Self:
        self._timer = self._loop.call_at(self._beats_at, self._look_at_clock)
        return self

    async def __aexit__(self, *_: object) -> None:
        # First: `aclose` may wait, and a beat in that time would write to a closing outbox.
        self.stop_beating()
        await self._outbox.aclose()

    def hear(self, chunks: Sequence[Chunk | TextChunk]) -> Behind:
        """Send chunks that arrived together in one write. A future if the client is slow."""
        # Encode first. A chunk that cannot be encoded then fails a silent stream, and the client
        # gets an error with a status.
        return self._say(self._events.of_chunks(chunks))

    def begin(self, tool: HiddenTool, job: Job) -> None:
        self._say(self._events.of_begin(tool, job))

    def end(self, tool: HiddenTool, job: Job, outcome: Outcome) -> None:
        self._say(self._events.of_end(tool, job, outcome))

    async def finish(self) -> None:
        await self._end(await self._events.finish())

    async def fail(self, error: ProxyError) -> None:
        """End a reply that has begun with an error event."""
        self.stop_beating()  # a beat while it waits would follow the end
        await self._end(await self._events.fail(error))

    def _say(self, events: bytes) -> Behind:
        if not events:
            return None
        if not self.has_begun:
            self._begin()
        self._beats_at = self._loop.time() + self._heartbeat_s
        return self._outbox.put({"type": "http.response.body", "body": events, "more_body": True})

    def _begin(self) -> None:
        headers = [*_HEADERS, *self._late_headers()]
        self._outbox.put({"type": "http.response.start", "status": 200, "headers": headers})
        self.has_begun = True

    @property
    def is_open(self) -> bool:
        """Whether an event can still follow what has gone out."""
        return self.has_begun and not self.has_ended

    async def _end(self, event: bytes) -> None:
        # First: `flush` waits for a slow client, and a beat in that time would follow the end.
        self.stop_beating()
        if not self.has_begun:
            self._begin()
        self.has_ended = True
        self._outbox.put({"type": "http.response.body", "body": event, "more_body": False})
        await self._outbox.flush()

    # Heartbeats

    def _look_at_clock(self) -> None:
        """Beat if it is time, unless the client is slow: then it already has something to read.

        If a beat fails, the next message sent raises the fault. No beat may follow the closing
        chunks. A slow client may take those just before the stream learns of it.
        """
        if self._events.writer.has_ended:
            return
        now = self._loop.time()
        held_s = 0.0 if self.has_begun else self._held_s(now)
        if self._beats_at + held_s > now:
            self._timer = self._loop.call_at(self._beats_at + held_s, self._look_at_clock)
            return
        if self._outbox.is_behind:
            self._beats_at = now + self._heartbeat_s
        else:
            self._say(self._events.heartbeat())
        self._timer = self._loop.call_at(self._beats_at, self._look_at_clock)

    def stop_beating(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
