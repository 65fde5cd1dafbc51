"""What may still be tried again for one answer, and what has been."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from proxy.core.timeline import Timeline


@dataclass(slots=True)
class Effort:
    """One answer's. The engine says how far the answer has come; whoever retries looks and notes.

    Times are by the clock of the event loop, in seconds.
    """

    until: float = inf
    """When the answer must be over."""
    searches_until: float = inf
    """When the time for its searches is used up."""
    has_heard: bool = False
    """Whether anything of the round that runs has been heard. Then nobody may ask for it again."""
    timeline: Timeline = field(default_factory=Timeline)
    """What has been done for it, and when."""
