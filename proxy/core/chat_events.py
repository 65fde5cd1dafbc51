"""The events of a streamed chat completion: each chunk as a server-sent event.

Nearly all chunks are a text in a frame: see `proxy.core.frames`. Each frame is encoded once, and
its event is split where the text stands. A chunk then costs one concatenation.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from proxy.core.frames import Frame, TextChunk
from proxy.core.hidden import HiddenTool, Job, Outcome
from proxy.core.sse import encode
from proxy.core.wire import Chunk
from proxy.core.writer import CompletionWriter
from proxy.errors import ProxyError


class ChatEvents:
    """Encodes the chunks of one completion. Chat tells nobody of the hidden tools' jobs."""

    def __init__(self, writer: CompletionWriter) -> None:
        self.writer = writer
        self._frame: Frame | None = None
        self._before = self._after = b""
        """An event of that frame: the bytes before and after its text."""

    def of_chunks(self, chunks: Sequence[Chunk | TextChunk]) -> bytes:
        events = []
        for chunk in chunks:
            if not isinstance(chunk, TextChunk):
                events.append(encode(orjson.dumps(chunk)))
                continue
            if chunk.frame is not self._frame:
                self._split(chunk.frame)
            events.append(b"%b%b%b" % (self._before, chunk.written, self._after))
        return b"".join(events)

    def of_begin(self, tool: HiddenTool, job: Job) -> bytes:  # noqa: ARG002  # the protocol
        return b""

    def of_end(self, tool: HiddenTool, job: Job, outcome: Outcome) -> bytes:  # noqa: ARG002  # as above
        return b""

    def heartbeat(self) -> bytes:
        return self.of_chunks([self.writer.heartbeat()])

    def of_failure(self, error: ProxyError) -> bytes:
        """No [DONE] follows it."""
        return encode(orjson.dumps(error.body()))

    def _split(self, frame: Frame) -> None:
        """Encode an event of `frame`, but for its text.

        Only the encoder knows where in the event the text will stand. So it encodes a probe, and
        the probe's place is the text's. The probe must occur once: the id is random, but every
        event shows it, so the probe is the id backwards.
        """
        self._frame = frame
        probe = self.writer.id[::-1]
        event = encode(orjson.dumps(frame.around(probe)))
        self._before, _, self._after = event.partition(probe.encode())
