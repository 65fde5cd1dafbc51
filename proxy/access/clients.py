"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Client:
    """The sender of a request, as far as the proxy tells clients apart."""

    name: str
    """A name that stands for the key but does not reveal it, the same in every process.

    "" for ANYBODY.
    """


ANYBODY: Final = Client("")
"""Any client, where no keys are in use or the path needs none."""
