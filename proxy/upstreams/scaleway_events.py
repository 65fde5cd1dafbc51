"""The events of one stream of Scaleway's, read as they come."""

from __future__ import annotations

import functools
from typing import Final

from proxy.core.chat import Chunk
from proxy.core.frames import TakeText, TextChunk
from proxy.core.sse import Decoder, TooLongError, is_one_event
from proxy.errors import BadReply, UpstreamError
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
        self._can_hand_on = False
        """What comes next begins a new event."""
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
                    chunks.append(self._frames.read(event.data))
        except TooLongError as error:
            self.fault = BadReply(NAME, f"{NAME} sent a stream that cannot be read: {error}.")
        except UpstreamError as error:
            self.fault = error
        self._can_hand_on = self._decoder.is_between_events and not self.is_over
        return chunks

    def hand_on(self, take: TakeText, part: bytes) -> bool:
        """Whether `part` is one chunk of text, and was taken. If not, it is still to be fed."""
        if not (self._can_hand_on and is_one_event(part)):
            return False
        chunk = self._frames.match(part[6:-2])
        return chunk is not None and take(chunk)
