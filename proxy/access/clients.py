"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proxy.access.grants import EVERYTHING, Grant


@dataclass(frozen=True, slots=True)
class Client:
    """The sender of a request, as far as the proxy tells clients apart."""

    name: str
    """A name that stands for the key but does not reveal it, the same in every process.

    "" for ANYBODY.
    """
    id: str = ""
    """Tells apart keys of one name, one of which was made after the other was revoked.

    A rotated key keeps it. "" for keys that have no record.
    """
    grant: Grant = EVERYTHING

    @property
    def identity(self) -> tuple[str, str]:
        """What separates its state from that of all others, whatever it may do by now."""
        return self.id, self.name


ANYBODY: Final = Client("")
"""Any client, where no keys are in use or the path needs none."""
