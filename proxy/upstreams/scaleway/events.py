"""Reads the reply to one model round as it arrives: a stream of events, or one completion."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from proxy.core.frames import Hear, TextChunk, says_something
from proxy.core.inflight import Hold
from proxy.core.sse import Decoder, TooLongError
from proxy.core.wire import Chunk
from proxy.errors import BadReply, UpstreamError
from proxy.tasks import Behind
from proxy.upstreams.http.causes import TOO_LONG
from proxy.upstreams.http.endpoint import Reply
from proxy.upstreams.http.receiver import Feed, Headers
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.scaleway.frames import FrameReader
from proxy.upstreams.scaleway.replies import is_finished, read_chunk

_DONE: Final = b"[DONE]"
_USAGE_S: Final = 10.0
"""How long a complete answer waits for its token counts at most, in seconds."""
_DRAIN_S: Final = 0.5
"""How long it waits for the end of the reply after that, in seconds."""


class RoundReply(Reply):
    """Reads a stream into `hear`. Keeps a reply that is no stream as a whole.

    An answer is complete once its finish_reason has arrived, and no later fault takes it back. It
    waits a while for its token counts, and hardly at all for [DONE].

    The reply must go on within `idle_s` seconds, and only what says something of the answer lets it
    go on: no comment, no half of an event, no empty chunk. A whole completion says nothing before
    its end. The time while the hearer is behind does not count.
    """

    def __init__(
        self,
        vendor: Vendor,
        hear: Hear,
        idle_s: float,
        told: Callable[[Mapping[str, str]], None] = lambda _: None,
        held: Hold | None = None,
    ) -> None:
        """`told` gets the headers as soon as they are there."""
        super().__init__(vendor.name, idle_s, held=held)
        self._told = told
        self._hear = hear
        self._idle_s = idle_s
        self._clock = asyncio.get_running_loop().time
        self._went_on_at = self._clock()
        self._usage_s = min(_USAGE_S, idle_s)
        self._decoder = Decoder()
        self._frames = FrameReader(functools.partial(read_chunk, vendor))
        self._is_over = False
        """No more chunks count: [DONE] has arrived, or a fault after a complete answer."""
        self._ends_at = 0.0
        """The latest end of a complete answer, by the event loop's clock; 0 until then."""
        self.is_stream = False

    @property
    def is_complete(self) -> bool:
        """Whether the answer is complete, whatever became of the reply."""
        has_whole_body = self.status == HTTPStatus.OK and is_finished(self.body)
        return bool(self._ends_at) or has_whole_body

    def head(self, status: int, headers: Headers) -> Feed:
        keep = super().head(status, headers)
        self._told(self.headers)
        content_type = self.headers.get("content-type", "").lower()
        self.is_stream = status == HTTPStatus.OK and content_type.startswith("text/event-stream")
        self._wait_on()
        return self.decoded(self._feed) if self.is_stream else keep

    def _feed(self, part: bytes) -> Behind:
        """Push the chunks that `part` completes, up to [DONE] or the first error."""
        chunks: list[Chunk | TextChunk] = []
        fault: UpstreamError | None = None
        try:
            for event in self._decoder.feed(part):
                if event.data == _DONE:
                    self._is_over = True
                    self._end_within(_DRAIN_S)
                elif event.data and not self._is_over:  # some gateways send empty ones
                    chunk = self._frames.read(event.data)
                    chunks.append(chunk)
                    if not isinstance(chunk, TextChunk):
                        self._note_end(chunk)
        except TooLongError as error:
            what = f"{self._upstream} sent a stream that cannot be read: {error}."
            fault = BadReply(self._upstream, what, cause=TOO_LONG)
        except UpstreamError as error:
            fault = error.with_traceback(None)  # which refers to this frame
        behind = self._hear(chunks) if chunks else None
        if fault is not None:
            if not self._ends_at:
                try:
                    raise fault
                finally:
                    del fault  # its traceback refers to this frame
            self._is_over = True
            self._end_within(_DRAIN_S)
        if chunks and isinstance(chunks[-1], TextChunk) and behind is None and not self._ends_at:
            self._went_on_at, self.patience_s = self._clock(), self._idle_s  # nearly always
        else:
            self._wait(chunks, behind)
        return behind

    def _take(self, part: bytes) -> None:
        super()._take(part)
        self._wait_on()

    def _wait(self, chunks: list[Chunk | TextChunk], behind: Behind) -> None:
        """Set the patience after `chunks`, which the hearer has got."""
        if behind is not None:
            behind.add_done_callback(self._go_on)
        if not self._ends_at and any(map(says_something, chunks)):
            self._went_on_at, self.patience_s = self._clock(), self._idle_s
        else:
            self._wait_on()

    def _go_on(self, _: object) -> None:
        self._went_on_at = self._clock()

    def _wait_on(self) -> None:
        ends_at = self._ends_at or self._went_on_at + self._idle_s
        self.patience_s = max(0.0, ends_at - self._clock())

    def _note_end(self, chunk: Chunk) -> None:
        if any(choice.get("finish_reason") for choice in chunk.get("choices") or ()):
            self._end_within(self._usage_s)
        if self._ends_at and chunk.get("usage"):
            self._end_within(_DRAIN_S)

    def _end_within(self, seconds: float) -> None:
        end = self._clock() + seconds
        self._ends_at = min(self._ends_at or end, end)
