"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Client:
    """Whoever sent a request, as far as the proxy tells clients apart."""

    name: str
    """For its key, but not the key, and the same in every process; "" for ANYBODY."""


ANYBODY: Final = Client("")
"""Whoever asks where no keys are in use, or what needs none."""
