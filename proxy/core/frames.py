"""Chunks of text in a frame: the proxy reads and writes what surrounds the text only once.

Nearly all chunks of a stream differ in a few words of text alone. The reader of a stream may hand
on a `TextChunk` instead of such a chunk. It means the same as the chunk that `whole()` returns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from proxy.core.wire import Choice, Chunk
from proxy.tasks import Behind


# Without `eq`, frames are compared by identity. Writer and stream do so for each token, to see
# whether they know the frame already.
@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A chunk without its text. Its delta holds nothing else."""

    top: Chunk
    choice: Choice

    def around(self, text: str) -> Chunk:
        # New dicts on all levels that change: the writer fills in the chunk that it gets.
        return {**self.top, "choices": [{**self.choice, "delta": {"content": text}}]}


class TextChunk(NamedTuple):
    """A chunk that is a frame around a text."""

    frame: Frame
    text: str
    """At least one character."""
    written: bytes
    """The text as it stands in JSON, without the quotes, so that nobody must escape it again."""

    def whole(self) -> Chunk:
        return self.frame.around(self.text)


Hear = Callable[[list[Chunk | TextChunk]], Behind]
"""Takes in chunks that arrived together."""


def says_something(chunk: Chunk | TextChunk) -> bool:
    """Whether a chunk holds more than the opening of a stream, such as a role or token counts."""
    if isinstance(chunk, TextChunk):
        return True
    return any(
        choice.get("finish_reason")
        or any(value for name, value in (choice.get("delta") or {}).items() if name != "role")
        for choice in chunk.get("choices") or ()
    )
