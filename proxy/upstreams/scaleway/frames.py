"""Reads chunks of text without parsing all of their JSON each time.

To parse each chunk, and to encode it for the client, was most of what a token cost in the proxy
itself.

Theory of operation:

The chunks of a stream differ in their words alone:

    {"id": "x", "choices": [{"index": 0, "delta": {"content": "Good"}}], "usage": null}
    {"id": "x", "choices": [{"index": 0, "delta": {"content": " day"}}], "usage": null}

1. The reader parses and checks the first chunk in full, and looks for its text in its bytes. What
   stands before and after the text may be a frame.
2. It puts a probe between the two and parses that in full. If the probe comes out as the text, the
   bytes are a frame: any text between them is the same chunk with other words.
3. A later chunk that begins and ends with these bytes is read by unescaping what stands between, if
   that is the inside of one JSON string. If it is not, it could hold further fields.
4. Any other chunk is parsed in full, and may bring a new frame: the first chunk of a stream also
   names the role, for example.

`tests/upstreams/scaleway/test_frames.py` shows that both ways of reading give the same chunks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import orjson

from proxy.core.frames import Frame, TextChunk
from proxy.core.wire import Chunk
from proxy.errors import UpstreamError

_PROBE: Final = "a text that no model says"
_MOST_TRIES: Final = 8
"""A stream that has no frame after so many tries varies too much to have one."""


class FrameReader:
    """Reads the events of one stream. `read` parses one in full. It raises UpstreamError."""

    def __init__(self, read: Callable[[bytes], Chunk]) -> None:
        self._read = read
        self._frame: Frame | None = None
        self._before = self._after = b""
        """The bytes before and after the text of the frame, including its quotes."""
        self._tries_left = _MOST_TRIES

    def read(self, data: bytes) -> Chunk | TextChunk:
        """The chunk in `data`, the same that a full parse gives."""
        if self._frame and data.startswith(self._before) and data.endswith(self._after):
            # Empty if the two overlap in `data`, and then they are no frame of it.
            written = data[len(self._before) : -len(self._after)]
            if text := _unescaped(written):
                return TextChunk(self._frame, text, written)
        # Only a chunk that was checked can teach a frame: the fast way trusts what it was taught.
        chunk = self._read(data)
        if self._tries_left and (text := _text_alone(chunk)):
            self._tries_left -= 1
            self._learn(text, data)
        return chunk

    def _learn(self, text: str, data: bytes) -> None:
        """Learn the frame of a chunk, if a probe shows that `text` stands where it seems to."""
        # The text may stand elsewhere before: a model can say its own name. Or the upstream escapes
        # it in another way, and it is not found. In both cases the reader learns nothing.
        before, found, after = data.partition(orjson.dumps(text))
        before, after = before + b'"', b'"' + after
        try:
            probe = self._read(before + _PROBE.encode() + after) if found else {}
        except UpstreamError:
            return
        if _text_alone(probe) == _PROBE:
            (choice,) = probe["choices"]
            self._frame, self._before, self._after = Frame(probe, choice), before, after


def _text_alone(chunk: Chunk) -> str | None:
    """The text of a chunk that says nothing else; None for any other chunk."""
    choices = chunk.get("choices") or []
    if len(choices) != 1 or chunk.get("usage"):
        return None
    choice = choices[0]
    delta = choice.get("delta") or {}
    said = {name for name, value in delta.items() if value and name != "role"}
    if said != {"content"} or choice.get("finish_reason") or choice.get("logprobs"):
        return None
    return delta["content"]


def _unescaped(written: bytes) -> str | None:
    """The text that `written` means inside a JSON string; None if it cannot stand there."""
    try:
        text = written.decode()
        if text.isprintable() and '"' not in text and "\\" not in text:
            return text  # without escapes, and without need of any
        unescaped = orjson.loads(b'"%b"' % written)
    except ValueError:
        return None
    return unescaped if isinstance(unescaped, str) else None
