"""The store in the memory of one process."""

from __future__ import annotations

import heapq
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

_SPARE_ENDS: Final = 1000
"""How many ends the heap may hold, besides two per entry, before it drops all stale ones."""


class _Entry(NamedTuple):
    value: bytes
    ends_at: float
    size: int


class MemoryStore:
    """Names and values of at most `max_bytes` bytes. Over that, it drops the least recently used.

    Expired entries go before all others. `clock` counts seconds.
    """

    def __init__(self, max_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._bytes = 0
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        """The least recently used entry comes first."""
        self._ends: list[tuple[float, str]] = []
        """A heap of expiry times: each entry's `ends_at`, and some stale ones."""

    async def read(self, names: Sequence[str], *, renew_s: float | None = None) -> dict[str, bytes]:
        now = self._clock()
        found = {}
        for name in names:
            entry = self._entries.get(name)
            if entry is None or entry.ends_at <= now:
                continue
            found[name] = entry.value
            if renew_s is None:
                self._entries.move_to_end(name)
            else:
                self._put(name, entry.value, now + renew_s)
        return found

    async def find(self, names: Sequence[str], *, renew_s: float | None = None) -> dict[str, bytes]:
        return await self.read(names, renew_s=renew_s)

    async def write(self, name: str, value: bytes, ttl_s: float) -> None:
        now = self._clock()
        self._drop_ended(now)
        self._put(name, value, now + ttl_s)
        self._make_room_for(name)

    async def write_once(
        self, name: str, value: bytes, ttl_s: float, settle: Callable[[bytes], bytes]
    ) -> None:
        there = await self.read((name,))
        await self.write(name, settle(there[name]) if there else value, ttl_s)

    async def count(self, name: str, by: int, ttl_s: float) -> int:
        now = self._clock()
        self._drop_ended(now)
        there = self._entries.get(name)
        total = by if there is None else by + int(there.value)
        self._put(name, b"%d" % total, now + ttl_s if there is None else there.ends_at)
        self._make_room_for(name)
        return total

    async def aclose(self) -> None:
        self._entries.clear()
        self._ends.clear()
        self._bytes = 0

    def _put(self, name: str, value: bytes, ends_at: float) -> None:
        """Make this the most recently used entry, in place of an older one of its name."""
        self._drop(name)
        entry = _Entry(value, ends_at, len(name.encode()) + len(value))
        self._entries[name] = entry
        self._bytes += entry.size
        heapq.heappush(self._ends, (ends_at, name))
        if len(self._ends) > 2 * len(self._entries) + _SPARE_ENDS:
            self._ends = [(each.ends_at, name) for name, each in self._entries.items()]
            heapq.heapify(self._ends)

    def _make_room_for(self, name: str) -> None:
        if self._entries[name].size > self._max_bytes:
            self._drop(name)
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, name: str) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            self._bytes -= entry.size

    def _drop_ended(self, now: float) -> None:
        while self._ends and self._ends[0][0] <= now:
            _, name = heapq.heappop(self._ends)
            entry = self._entries.get(name)
            if entry is not None and entry.ends_at <= now:
                self._drop(name)
