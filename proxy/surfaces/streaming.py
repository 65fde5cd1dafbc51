"""The streamed reply: chunks as server-sent events, over ASGI without Starlette's response.

A plain ASGI send costs less per chunk than StreamingResponse, and there is no generator that a
hang-up could leave open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import orjson
from starlette.types import Send

from proxy.core.frames import Frame, TextChunk
from proxy.core.sse import DONE, encode
from proxy.core.wire import Chunk
from proxy.core.writer import CompletionWriter
from proxy.errors import ProxyError
from proxy.surfaces.outbox import Outbox

_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client is left without a sign of life, in seconds."""

    commit_after_s: float
    """A reply that has not begun by then begins with a heartbeat."""
    heartbeat_s: float
    """One that has been silent for so long gets another."""


class EventStream:
    """One streamed reply. It begins with the first thing the client may hear, not before.

    Until then an error can have a real status; after it, an error is one last event. As a context,
    it sends heartbeats while nothing else is sent.
    """

    def __init__(
        self,
        send: Send,
        writer: CompletionWriter,
        late_headers: Callable[[], Headers],
        patience: Patience,
    ) -> None:
        """`late_headers` gives the headers that are known only when the reply begins."""
        self._outbox = Outbox(send)
        self._writer = writer
        self._late_headers = late_headers
        self._heartbeat_s = patience.heartbeat_s
        self._loop = asyncio.get_running_loop()
        self._beats_at = self._loop.time() + patience.commit_after_s
        self._timer: asyncio.TimerHandle | None = None
        self.has_begun = False
        self._frame: Frame | None = None
        self._before = self._after = b""
        """An event of that frame, before and after its text."""

    async def __aenter__(self) -> Self:
        self._timer = self._loop.call_at(self._beats_at, self._look_at_clock)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop_beating()
        await self._outbox.aclose()

    def hear(self, chunks: Sequence[Chunk | TextChunk]) -> asyncio.Future[None] | None:
        """Send chunks that arrived together in one write; a future while the client is slow."""
        body = b"".join(map(self._event, chunks))
        if not self.has_begun:
            self._begin()
        self._beats_at = self._loop.time() + self._heartbeat_s
        return self._outbox.put({"type": "http.response.body", "body": body, "more_body": True})

    async def finish(self) -> None:
        await self._end(DONE)

    async def fail(self, error: ProxyError) -> None:
        """End a reply that has begun with an error event, which is not followed by [DONE]."""
        await self._end(encode(orjson.dumps(error.body())))

    def _begin(self) -> None:
        headers = [*_HEADERS, *self._late_headers()]
        self._outbox.put({"type": "http.response.start", "status": 200, "headers": headers})
        self.has_begun = True

    async def _end(self, event: bytes) -> None:
        self.stop_beating()
        if not self.has_begun:
            self._begin()
        self._outbox.put({"type": "http.response.body", "body": event, "more_body": False})
        await self._outbox.flush()

    def _event(self, chunk: Chunk | TextChunk) -> bytes:
        if not isinstance(chunk, TextChunk):
            return encode(orjson.dumps(chunk))
        if chunk.frame is not self._frame:
            self._frame = chunk.frame
            probe = self._writer.id[::-1]  # as random as the id, and nowhere else in the event
            event = encode(orjson.dumps(chunk.frame.around(probe)))
            self._before, _, self._after = event.partition(probe.encode())
        return b"%b%b%b" % (self._before, chunk.written, self._after)

    # Heartbeats

    def _look_at_clock(self) -> None:
        """Beat if it is time, unless the client is slow: it has something to hear then.

        That a beat fails is told by what is sent next. None may follow the closing chunks: a client
        that was slow to take those may have done so just before whoever ends the stream is told.
        """
        if self._writer.has_ended:
            return
        if self._beats_at <= self._loop.time():
            if self._outbox.is_behind:
                self._beats_at = self._loop.time() + self._heartbeat_s
            else:
                self.hear([self._writer.heartbeat()])
        self._timer = self._loop.call_at(self._beats_at, self._look_at_clock)

    def stop_beating(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
