"""Passages that have been read, kept for answers that cite them again.

What is kept follows from a passage's text and title alone. So it does not matter whose answer it
was read for: an answer is the same with it and without, and holds only passages that it was shown.
"""

from __future__ import annotations

from typing import Final

from proxy.core.evidence.bearing import Source
from proxy.tasks import Steps

_MOST_CHARS: Final = 50_000
"""The characters of all passages that are kept: each takes some 80 bytes of memory."""


class Shelf:
    """The passages that were cited last."""

    def __init__(self, most_chars: int = _MOST_CHARS) -> None:
        self._most_chars = most_chars
        self._chars = 0
        self._sources: dict[tuple[str, str], Source] = {}
        """By text and title; the one that was cited last stands last."""

    def source(self, text: str, title: str) -> Steps[Source]:
        """The passage, read now unless it is kept."""
        key = text, title
        found = self._sources.get(key)
        if found is None:
            found = yield from Source.in_steps(text, title)
        if self._sources.pop(key, None) is None:  # another answer may have read it meanwhile
            self._chars += len(text) + len(title)
        self._sources[key] = found
        while self._chars > self._most_chars:
            oldest = next(iter(self._sources))
            del self._sources[oldest]
            self._chars -= sum(map(len, oldest))
        return found
