"""Who tries wrong keys is slowed down. A right key always opens."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from proxy.access.addresses import owner_of

T = TypeVar("T")

SPAN_S: Final = 60.0
MOST_TRIES: Final = 10
"""How many wrong keys one address, or one name, may try in any 60 seconds."""
_MOST: Final = 10_000


class WrongKeys:
    """The latest wrong tries of each address, and of each name where one is known.

    An IPv6 client is its /64. Names are counted apart from addresses: somebody with many names
    makes no address forgotten.
    """

    def __init__(self, most: int = _MOST, clock: Callable[[], float] = time.monotonic) -> None:
        """It remembers `most` addresses and `most` names. `clock` counts seconds."""
        self._clock = clock
        self._addresses: _Tries[str] = _Tries(most)
        self._names: _Tries[bytes] = _Tries(most)
        """By their hashes: a name may be long."""

    def note(self, address: str) -> float | None:
        """Count a wrong try. Seconds until the next may be made if this one is too many.

        One that is too many does not count: an address may go on at the pace of the limit.
        """
        return self._addresses.note(owner_of(address), self._clock())

    def note_name(self, name: str) -> float | None:
        """The same for one that is known by name, so that its address does not matter."""
        digest = hashlib.sha256(name.encode(errors="surrogatepass")).digest()
        return self._names.note(digest, self._clock())


class _Tries(Generic[T]):
    """A bounded number of senders is remembered. Those go first whose last try is oldest.

    So it cannot fill the memory; who has that many addresses is not slowed anyway.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._tries: OrderedDict[T, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tries)

    def note(self, sender: T, now_s: float) -> float | None:
        tries = self._tries.setdefault(sender, deque(maxlen=MOST_TRIES))
        self._tries.move_to_end(sender)
        if len(self._tries) > self._most:
            self._tries.popitem(last=False)
        if len(tries) == MOST_TRIES and (wait := tries[0] + SPAN_S - now_s) > 0:
            return wait
        tries.append(now_s)
        return None
