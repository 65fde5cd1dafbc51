"""Whether a request that failed is sent again, and when. Pure, but for the chance that it is given.

A wait grows exponentially, and any time from nothing to all of it is as likely (full jitter), so
that requests that failed together do not come again together. An upstream that says how long to
wait is given that time, and some more, by chance as well: all whom it told the same would come at
once.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from proxy.errors import CircuitOpen, Unreachable, UpstreamError, UpstreamTimeout
from proxy.upstreams.http.causes import is_lasting

MODEL_STATUSES: Final = frozenset({429, 502, 503, 504})
SEARCH_STATUSES: Final = MODEL_STATUSES | {500}
"""A search changes nothing, so a fault of the server's own is worth another one."""

_FIRST_S: Final = 0.5
_LONGEST_S: Final = 8.0
_MOST_DOUBLINGS: Final = 4
"""As many as it takes from the first to the longest: a power of 2 without end is slow."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The rules for one upstream. Without retries, it leaves all of them to the client."""

    retries: int = 0
    """How often a request is sent again at most."""
    statuses: frozenset[int] = MODEL_STATUSES
    """The statuses after which it is."""
    unsure: bool = False
    """Whether it is sent again, too, if the upstream may have worked on it."""
    longest_wait_s: float = 60.0
    chance: Callable[[], float] = random.random
    """A number from 0 to 1."""
    counted: Callable[[str, str], None] = lambda *_: None
    """Hears of each request that is sent again: the upstream, and why the one before failed."""

    def covers(self, error: UpstreamError) -> bool:
        """Whether a request that failed with `error` is sent again, were there retries left."""
        if not self.retries or is_lasting(error.cause) or isinstance(error, CircuitOpen):
            return False
        is_known = error.told_status in self.statuses
        if error.is_refused:
            return is_known or not error.told_status
        return self.unsure and (is_known or isinstance(error, (Unreachable, UpstreamTimeout)))

    def wait_s(self, retried: int, error: UpstreamError, left_s: float) -> float | None:
        """How long to wait before the request is sent again; None if it is not.

        It was sent again `retried` times before, and `left_s` seconds are left for all.
        """
        if retried >= self.retries or not self.covers(error):
            return None
        spread_s = min(_LONGEST_S, _FIRST_S * 2 ** min(retried, _MOST_DOUBLINGS))
        told_s = error.told_wait_s or 0.0
        if told_s > self.longest_wait_s:
            return None
        if told_s:
            spread_s = min(spread_s, told_s)
        wait_s = min(told_s + self.chance() * spread_s, self.longest_wait_s)
        return wait_s if wait_s < left_s else None
