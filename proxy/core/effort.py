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
    queued_s: float = 0.0
    """How long it has waited until the model could be asked, in all rounds."""
    _first_s: float = 0.0
    """The part of it that was before the first round."""
    _queues_since: float | None = None
    """Since when it waits; None if it does not."""
    _queues_for_first: bool = False

    def queue(self, now: float, *, is_first: bool) -> None:
        """It begins to wait, for its first round or a later one."""
        self._queues_since, self._queues_for_first = now, is_first

    def leave_queue(self, now: float) -> None:
        """It does not wait any more."""
        if self._queues_since is not None:
            self._first_s = self.before_first_s(now)
            self.queued_s += now - self._queues_since
            self._queues_since = None

    def before_first_s(self, now: float) -> float:
        """How long it has waited for its first round so far."""
        if self._queues_since is None or not self._queues_for_first:
            return self._first_s
        return self._first_s + now - self._queues_since

    @property
    def report(self) -> Mapping[str, int]:
        """What the reply's report says of it: nothing as long as all went well."""
        report = {"retries": len(self.causes)} if self.causes else {}
        if queued_ms := round(self.queued_s * 1000):
            report["queued_ms"] = queued_ms
        return report
