"""What a client could search when it got an answer, to tell later whether it still can."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reach:
    """What a client could search with one model when an answer was made for it."""

    scope: str
    """Stands for what settings and profile allow, and for whose key searches."""
    workspaces: frozenset[int] | None = None
    """What both the client key and the rules for the person open; None is no restriction."""

    def covers(self, earlier: Reach) -> bool:
        """Whether all that was in reach then is in this reach.

        Of scopes nobody can tell here which one is wider, so another one does not cover.
        """
        if self.scope != earlier.scope:
            return False
        if self.workspaces is None:
            return True
        return earlier.workspaces is not None and earlier.workspaces <= self.workspaces
