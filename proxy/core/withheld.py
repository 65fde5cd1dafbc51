"""The text of one round that the client does not hear as it comes.

Where a client wants JSON, text beside a tool call would break it, and whether a round ends in calls
is known only at its end. Then the text is dropped, or told in one chunk.
"""

from __future__ import annotations

from proxy.core.frames import TextChunk
from proxy.core.wire import Choice, Chunk, TokenLogprob


class Withheld:
    """Takes the text of one round out of its chunks. A silent one loses all but its calls."""

    def __init__(self, *, is_silent: bool = False) -> None:
        self._is_silent = is_silent
        self.chars = 0
        """How many characters the client has not heard."""
        self._pieces: list[str] = []
        self._logprobs: list[TokenLogprob] = []
        self._top: Chunk = {}
        """The first chunk that held text, without it."""

    def take(self, chunk: Chunk | TextChunk) -> Chunk | None:
        """What the client hears of a chunk from the turn reader at once, or None."""
        if isinstance(chunk, TextChunk):
            chunk = chunk.whole()
        choice = chunk["choices"][0]
        if self._is_silent:
            return self._calls_alone(chunk, choice)
        delta = choice["delta"]
        if text := delta.pop("content", ""):
            if not self._pieces:
                self._top = {**chunk, "choices": []}
            self._pieces.append(text)
            self.chars += len(text)
        if text or not delta:
            logprobs = choice.pop("logprobs", None) or {}
            self._logprobs += logprobs.get("content") or ()
        return chunk if delta else None

    def _calls_alone(self, chunk: Chunk, choice: Choice) -> Chunk | None:
        """The calls of the client's tools in a chunk, or None."""
        calls = choice["delta"].pop("tool_calls", None)
        self.chars += sum(len(said) for said in choice["delta"].values() if isinstance(said, str))
        choice["delta"] = {"tool_calls": calls} if calls else {}
        choice.pop("logprobs", None)
        return chunk if calls else None

    def tell(self) -> Chunk:
        """All that was taken, as one chunk."""
        chunk: Chunk = {
            **self._top,
            "choices": [{"index": 0, "delta": {"content": "".join(self._pieces)}}],
        }
        if self._logprobs:
            chunk["choices"][0]["logprobs"] = {"content": self._logprobs, "refusal": None}
        return chunk
