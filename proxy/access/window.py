"""What was used in the last 60 seconds, exactly: no more than the limit in any 60 of them.

The library `limits` has a moving window too, but it keeps an entry for each unit of a cost, and a
request costs thousands of tokens. It also cannot give back what was taken too much. Here amounts
of one second share an entry, which counts until the last of them is 60 seconds old. So a window
has at most 61 entries, never lets more through, and may let a request wait a second longer.

`proxy.state.redis_counters` has the same rule in Redis' language; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SPAN_MS: Final = 60_000
STEP_MS: Final = 1_000
"""The time that one entry covers."""


@dataclass(slots=True)
class _Entry:
    last_ms: int
    amount: int


class Window:
    """Amounts, each with the time at which it was used. The caller gives the time."""

    __slots__ = ("_entries", "used")

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        """By their second; the oldest comes first."""
        self.used = 0

    def move_to(self, now_ms: int) -> None:
        """Forget what is older than 60 seconds.

        If the clock went back, what lies ahead of it counts as used now: it counts on for 60
        seconds, and no longer.
        """
        entries = self._entries
        ahead = 0
        while entries and entries[step := next(reversed(entries))].last_ms > now_ms:
            ahead += entries.pop(step).amount
        if ahead:
            self._put(now_ms, ahead)
        while entries and entries[step := next(iter(entries))].last_ms + SPAN_MS <= now_ms:
            self.used -= entries.pop(step).amount

    def add(self, now_ms: int, amount: int) -> None:
        """Use `amount` now. Call `move_to` first."""
        if amount:
            self.used += amount
            self._put(now_ms, amount)

    def give_back(self, at_ms: int, amount: int) -> None:
        """Take back some of what was used at `at_ms`, as far as it still counts."""
        entry = self._entries.get(at_ms // STEP_MS)
        if entry is not None:
            amount = min(amount, entry.amount)
            entry.amount -= amount
            self.used -= amount

    def wait_ms(self, now_ms: int, room: int) -> int:
        """How long until no more than `room` is used: 0 if that is so now."""
        used = self.used
        wait = 0
        for entry in self._entries.values():
            if used <= room:
                break
            used -= entry.amount
            wait = entry.last_ms + SPAN_MS - now_ms
        return wait

    def reset_ms(self, now_ms: int) -> int:
        """How long until nothing counts any more."""
        if not self.used:
            return 0
        return self._entries[next(reversed(self._entries))].last_ms + SPAN_MS - now_ms

    def _put(self, now_ms: int, amount: int) -> None:
        step = now_ms // STEP_MS
        entry = self._entries.get(step)
        if entry is None:
            self._entries[step] = _Entry(now_ms, amount)
        else:
            entry.last_ms = now_ms
            entry.amount += amount
