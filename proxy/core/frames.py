"""Chunks of text as bytes in a frame: what they hold beside their text is written and read once.

Nearly all chunks of a stream are alike but for a few words of text. Whoever reads a stream may give
a `TextChunk` instead of a chunk; it means the same as its `whole()`, and may be taken for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from proxy.core.wire import Choice, Chunk
from proxy.tasks import Behind


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A chunk without its text, which is all that its delta says."""

    top: Chunk
    choice: Choice

    def around(self, text: str) -> Chunk:
        return {**self.top, "choices": [{**self.choice, "delta": {"content": text}}]}


class TextChunk(NamedTuple):
    """A chunk that is a frame around a text."""

    frame: Frame
    text: str
    """At least one character."""
    written: bytes
    """The text as it stands in JSON, without the quotes."""

    def whole(self) -> Chunk:
        return self.frame.around(self.text)


Hear = Callable[[list[Chunk | TextChunk]], Behind]
"""Takes in chunks that arrived together."""
