"""Passages that have been read, kept for answers that cite them again.

What is kept follows from a passage's text and title alone. So it does not matter whose answer it
was read for: an answer is the same with it and without, and holds only passages that it was shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from proxy.core.evidence.bearing import Source
from proxy.tasks import Steps

_MOST_BYTES: Final = 5_000_000
_BYTES_OF_A_CHARACTER: Final = 100
"""The memory that a passage takes when it has been read, for each of its characters."""
_KEPT_S: Final = 600
"""Seconds for which a passage is kept when it has been cited."""


class _Entry(NamedTuple):
    source: Source
    ends_at: float


class Shelf:
    """The passages that were cited last, in at most about 5 MB of memory, and `most_bytes`.

    `clock` counts seconds.
    """

    def __init__(self, most_bytes: int = 0, clock: Callable[[], float] = lambda: 0.0) -> None:
        self._most_chars = min(most_bytes, _MOST_BYTES) // _BYTES_OF_A_CHARACTER
        self._clock = clock
        self._chars = 0
        self._entries: dict[tuple[str, str], _Entry] = {}
        """By text and title; what was cited last stands last."""

    def source(self, text: str, title: str) -> Steps[Source]:
        """The passage, read now unless it is kept."""
        key, now = (text, title), self._clock()
        self._drop(ended_by=now)
        kept = self._entries.get(key)
        source = (yield from Source.in_steps(text, title)) if kept is None else kept.source
        if self._entries.pop(key, None) is None:  # another answer may have read it meanwhile
            self._chars += len(text) + len(title)
        self._entries[key] = _Entry(source, now + _KEPT_S)
        self._drop(ended_by=now)
        return source

    def _drop(self, *, ended_by: float) -> None:
        """Drop what has ended, and what there is no room for."""
        while self._entries:
            key, entry = next(iter(self._entries.items()))
            if self._chars <= self._most_chars and entry.ends_at > ended_by:
                return
            del self._entries[key]
            self._chars -= sum(map(len, key))
