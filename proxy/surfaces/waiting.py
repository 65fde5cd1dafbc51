"""The connections without a complete request: idle ones, and ones that have sent half of one.

Each costs a file descriptor, and whoever opens many keeps others out. So their number is limited. A
newcomer takes the place of the one that has waited longest among those of whoever holds the most.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol


class Waiter(Protocol):
    """A connection that can be told to go."""

    def evict(self) -> None:
        """Close the connection now. It is counted no longer."""


class Waiting:
    """At most `limit` connections.

    An owner is whatever clients are told apart by: see `proxy.access.addresses.owner_of`.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._owners: dict[Waiter, str] = {}
        # By age. A plain dict would take ever longer to find its first key while the oldest go.
        self._of: dict[str, OrderedDict[Waiter, None]] = {}

    def __len__(self) -> int:
        return len(self._owners)

    def add(self, waiter: Waiter, owner: str) -> None:
        """Count a connection as the newest, and evict another one if there are too many."""
        self.discard(waiter)
        self._owners[waiter] = owner
        self._of.setdefault(owner, OrderedDict())[waiter] = None
        if len(self._owners) > self._limit:
            most = max(self._of.values(), key=len)
            oldest = next(iter(most))
            self.discard(oldest)
            oldest.evict()

    def discard(self, waiter: Waiter) -> None:
        """Count a connection no longer, if it was."""
        owner = self._owners.pop(waiter, None)
        if owner is not None:
            own = self._of[owner]
            del own[waiter]
            if not own:
                del self._of[owner]
