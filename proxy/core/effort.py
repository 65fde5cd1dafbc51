"""What may still be tried again for one answer, and what has been."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf


@dataclass(slots=True)
class Effort:
    """One answer's. The engine says how far the answer has come; whoever retries looks and counts.

    Times are by the clock of the event loop, in seconds.
    """

    until: float = inf
    """When the answer must be over."""
    searches_until: float = inf
    """When the time for its searches is used up."""
    has_heard: bool = False
    """Whether anything of the round that runs has been heard. Then nobody may ask for it again."""
    causes: list[str] = field(default_factory=list)
    """Why each request was sent again, in order: words of `UpstreamError.cause`."""

    @property
    def report(self) -> Mapping[str, int]:
        """What the reply's report says of it: nothing as long as all went well."""
        return {"retries": len(self.causes)} if self.causes else {}
