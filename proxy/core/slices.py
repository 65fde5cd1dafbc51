"""Slices: a chunk that says much, as several that each say little."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proxy.core.frames import TextChunk
from proxy.core.wire import Chunk, Delta

SLICE_CHARS: Final = 2_000
"""The text machine reads so much in some 20 ms of processor time, whatever it says."""


def slices_of(chunk: Chunk | TextChunk) -> Iterator[Chunk]:
    """Chunks that together mean the same, with at most SLICE_CHARS of text in each.

    Reasoning comes with the first of them, and all else, such as calls, with the last.
    """
    if isinstance(chunk, TextChunk):
        chunk = chunk.whole()
    choice = chunk["choices"][0]
    rest: Delta = {**choice["delta"]}
    text = rest.get("content", "")
    if len(text) <= SLICE_CHARS:
        yield chunk
        return
    last = (len(text) - 1) // SLICE_CHARS * SLICE_CHARS
    for start in range(0, last, SLICE_CHARS):
        said: Delta = {"content": text[start : start + SLICE_CHARS]}
        if "reasoning_content" in rest:
            said["reasoning_content"] = rest.pop("reasoning_content")
        yield {
            **chunk,
            "choices": [{**choice, "delta": said, "logprobs": None, "finish_reason": None}],
        }
    yield {**chunk, "choices": [{**choice, "delta": {**rest, "content": text[last:]}}]}
