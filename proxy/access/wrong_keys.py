"""Addresses that try wrong keys are slowed down. A right key always opens."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from proxy.access.addresses import owner_of

SPAN_S: Final = 60.0
MOST_TRIES: Final = 10
"""How many wrong keys one address may try in any 60 seconds."""
_MOST_ADDRESSES: Final = 10_000


class WrongKeys:
    """The latest wrong tries of each address; an IPv6 client is its /64.

    It remembers a bounded number of addresses and forgets the ones first whose last try is oldest.
    So it cannot fill the memory; who has that many addresses is not slowed anyway.
    """

    def __init__(
        self, most_addresses: int = _MOST_ADDRESSES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._most_addresses = most_addresses
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()

    def note(self, address: str) -> float | None:
        """Count a wrong try. Seconds until the next may be made if this one is too many.

        One that is too many does not count: an address may go on at the pace of the limit.
        """
        owner, now_s = owner_of(address), self._clock()
        tries = self._tries.setdefault(owner, deque(maxlen=MOST_TRIES))
        self._tries.move_to_end(owner)
        if len(self._tries) > self._most_addresses:
            self._tries.popitem(last=False)
        if len(tries) == MOST_TRIES and (wait := tries[0] + SPAN_S - now_s) > 0:
            return wait
        tries.append(now_s)
        return None
