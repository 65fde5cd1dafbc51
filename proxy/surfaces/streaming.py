"""The streamed reply: chunks as server-sent events, over ASGI without Starlette's response.

A plain ASGI send costs less per chunk than StreamingResponse, and there is no generator that a
hang-up could leave open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from starlette.types import Send

from proxy.core.chat import Chunk
from proxy.core.frames import Frame, TextChunk
from proxy.core.sse import DONE, encode
from proxy.core.writer import CompletionWriter
from proxy.errors import ProxyError
from proxy.surfaces.heartbeats import Heartbeats
from proxy.tasks import Begun, begin

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

    Until then an error can have a real status; after it, an error is one last event.
    """

    def __init__(
        self,
        send: Send,
        send_body: Send,
        writer: CompletionWriter,
        late_headers: Callable[[], Headers],
        patience: Patience,
    ) -> None:
        """`send` takes the head of the reply, `send_body` all the rest.

        `late_headers` gives the headers that are known only when the reply begins.
        """
        self._send = send
        self._send_body = send_body
        self._unsent: asyncio.Task[None] | None = None
        """Sends what was begun, once the client has taken what came before."""
        self._writer = writer
        self._late_headers = late_headers
        self._patience = patience
        self._clock = asyncio.get_running_loop().time
        self._last_sent = self._clock()
        self._beginning = asyncio.Lock()
        self.has_begun = False
        self._frame: Frame | None = None
        self._before = self._after = b""
        """An event of that frame, before and after its text."""

    async def hear(self, chunks: Sequence[Chunk | TextChunk]) -> None:
        """Send chunks that arrived together in one write."""
        await self._write(b"".join(map(self._event, chunks)))

    @property
    def takes_text(self) -> bool:
        return self.has_begun and (self._unsent is None or self._unsent.done())

    def hear_text(self, chunk: TextChunk) -> None:
        """Send a chunk at once or, if the client is slow, as soon as it takes it."""
        self._last_sent = self._clock()
        event = self._event(chunk)
        sending = begin(
            self._send_body({"type": "http.response.body", "body": event, "more_body": True})
        )
        if sending is not None:
            self._unsent = asyncio.get_running_loop().create_task(_finish(sending))

    def _event(self, chunk: Chunk | TextChunk) -> bytes:
        if not isinstance(chunk, TextChunk):
            return encode(orjson.dumps(chunk))
        if chunk.frame is not self._frame:
            self._frame = chunk.frame
            probe = self._writer.id[::-1]  # as random as the id, and nowhere else in the event
            event = encode(orjson.dumps(self._writer.dress_frame(chunk.frame, probe)))
            self._before, _, self._after = event.partition(probe.encode())
        return b"%b%b%b" % (self._before, chunk.written, self._after)

    async def finish(self) -> None:
        await self._write(DONE, is_last=True)

    async def fail(self, error: ProxyError) -> None:
        """End a reply that has begun with an error event, which is not followed by [DONE]."""
        await self._write(encode(orjson.dumps(error.body())), is_last=True)

    def heartbeats(self) -> Heartbeats:
        """A context that sends heartbeats while nothing else is sent."""
        return Heartbeats(self._send_heartbeat, self._heartbeat_due)

    async def _send_heartbeat(self) -> None:
        await self.hear([self._writer.heartbeat()])

    def _heartbeat_due(self) -> float:
        patience = self._patience
        return self._last_sent + (
            patience.heartbeat_s if self.has_begun else patience.commit_after_s
        )

    async def _write(self, body: bytes, *, is_last: bool = False) -> None:
        if not self.has_begun:
            await self._begin()
        self._last_sent = self._clock()
        if self._unsent is not None:
            await asyncio.wait((self._unsent,))  # which a heartbeat that is cancelled leaves alone
            self._unsent.result()
        more = not is_last
        await self._send_body({"type": "http.response.body", "body": body, "more_body": more})

    async def _begin(self) -> None:
        """Send the headers, once: the first chunk and the first heartbeat may come together."""
        async with self._beginning:
            if not self.has_begun:
                headers = [*_HEADERS, *self._late_headers()]
                await self._send({"type": "http.response.start", "status": 200, "headers": headers})
                self.has_begun = True


async def _finish(sending: Begun) -> None:
    await sending
