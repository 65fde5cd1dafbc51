"""The connections without a complete request: idle ones, and ones that have sent half of one.

Each costs a file descriptor, and a client that opens many keeps others out. So there is a limit.
Beyond it, a newcomer replaces the oldest connection of the owner that has the most.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol


class Waiter(Protocol):
    """A connection that can be evicted."""

    def evict(self) -> None:
        """Close the connection now. `Waiting` has already removed it."""


class Waiting:
    """At most `limit` connections.

    An owner identifies one client: see `proxy.access.addresses.owner_of`.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._owners: dict[Waiter, str] = {}
        # By age. In a plain dict, finding the first key takes longer the more of the oldest have
        # gone.
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
        """Stop counting a connection, if it is counted."""
        owner = self._owners.pop(waiter, None)
        if owner is not None:
            own = self._of[owner]
            del own[waiter]
            if not own:
                del self._of[owner]
