"""The events of one stream of Scaleway's, read as they come."""

from __future__ import annotations

import functools
from typing import Final

from proxy.core.chat import Chunk
from proxy.core.frames import Take, TextChunk
from proxy.core.sse import Decoder, TooLongError, is_one_event
from proxy.errors import BadReply, UpstreamError
from proxy.upstreams.causes import TOO_LONG
from proxy.upstreams.scaleway_frames import FrameReader
from proxy.upstreams.scaleway_replies import NAME, read_chunk
from proxy.upstreams.status import Vendor

_DONE: Final = b"[DONE]"


class Events:
    """Reads one stream, part by part."""

    def __init__(self, vendor: Vendor) -> None:
        self._decoder = Decoder()
        self._frames = FrameReader(functools.partial(read_chunk, vendor))
        self.is_over = False
        """The stream has said [DONE]."""
        self.has_finished = False
        """A finish_reason has come, so the answer is complete, whatever becomes of the stream."""
        self.has_usage = False
        """Token counts have come with it or after it."""
        self._can_hand_on = False
        """What comes next begins a new event."""
        self._is_calling = False
        self.fault: UpstreamError | None = None
        """What was wrong with it, after the chunks that came before."""

    def feed(self, part: bytes) -> list[Chunk | TextChunk]:
        """The chunks that `part` completes, up to [DONE] or the first that is an error."""
        chunks: list[Chunk | TextChunk] = []
        try:
            for event in self._decoder.feed(part):
                if event.data == _DONE:
                    self.is_over = True
                    break
                if event.data:  # some gateways send empty ones, to keep the connection alive
                    chunk = self._frames.read(event.data)
                    chunks.append(chunk)
                    self._is_calling = b'"tool_calls"' in event.data
                    if type(chunk) is dict:  # for a call, `isinstance`, each token would pay
                        self._note_end(chunk)
        except TooLongError as error:
            what = f"{NAME} sent a stream that cannot be read: {error}."
            self.fault = BadReply(NAME, what, cause=TOO_LONG)
        except UpstreamError as error:
            self.fault = error.with_traceback(None)  # which refers to this frame, and it to `self`
        self._can_hand_on = self._decoder.is_between_events and not self.is_over
        return chunks

    def raise_fault(self) -> None:
        """Raise what was wrong, unless the answer was complete before it.

        It is not kept then: what is raised refers to this object, by its traceback.
        """
        try:
            if self.fault is not None and not self.has_finished:
                raise self.fault
        finally:
            self.fault = None

    def _note_end(self, chunk: Chunk) -> None:
        choices = chunk.get("choices") or ()
        if any(choice.get("finish_reason") for choice in choices):
            self.has_finished = True
        if self.has_finished and chunk.get("usage"):
            self.has_usage = True

    def hand_on(self, take: Take, part: bytes) -> bool:
        """Whether `part` is one chunk and was taken. If not, it is still to be fed.

        Only text, and more of calls that have begun, are offered: what comes in many small parts.
        """
        if not (self._can_hand_on and is_one_event(part)):
            return False
        data = part[6:-2]
        chunk = self._frames.match(data) or (
            self._read_more_of_call(data) if self._is_calling else None
        )
        return chunk is not None and take(chunk)

    def _read_more_of_call(self, data: bytes) -> Chunk | TextChunk | None:
        try:
            return None if data == _DONE else self._frames.read(data)
        except UpstreamError:
            return None  # it is told when the part is fed
