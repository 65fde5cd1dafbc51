"""The store for state between requests: bytes under a name, for a time, in memory or in Redis.

The store is a cache: entries may vanish at any time, and a missing entry is never an error. No
method raises one. Whoever must tell what is missing from what nobody can see now uses `find`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from proxy.state.counters import Counters, MemoryCounters
from proxy.state.memory_store import MemoryStore

if TYPE_CHECKING:
    from proxy.state.redis_store import RedisStore

Settle: TypeAlias = Callable[[bytes], bytes]
"""Returns the value to keep, given the value that is already there."""


class Store(Protocol):
    async def read(self, names: Sequence[str], *, renew_s: float | None = None) -> dict[str, bytes]:
        """The values found, by name. `renew_s` extends the life of each by so many seconds."""

    async def find(
        self, names: Sequence[str], *, renew_s: float | None = None
    ) -> dict[str, bytes] | None:
        """As `read`; None while the home cannot be asked."""

    async def write(self, name: str, value: bytes, ttl_s: float) -> None:
        """Keep `value` for `ttl_s` seconds, in place of an older value of this name."""

    async def write_once(self, name: str, value: bytes, ttl_s: float, settle: Settle) -> None:
        """Keep `value` as `write` does; if there is one already, keep the one `settle` returns.

        This holds across processes, too, if `settle` returns either the value that is there or, in
        every other case, one constant.
        """

    async def count(self, name: str, by: int, ttl_s: float) -> int:
        """Add `by` to the count of this name, and return the sum. The first call begins it at 0.

        The count ends `ttl_s` seconds after it began, no matter how often it grows. Processes that
        share a home count together and lose nothing. While a process cannot reach the home, it
        counts by itself, from 0: then a limit holds for each process alone. Names of counts hold no
        values.
        """

    async def aclose(self) -> None: ...


def make_store(redis_url: str | None, max_bytes: int, key: bytes) -> Store:
    """Redis, which processes share, or else the memory of this one, up to `max_bytes`.

    `key` seals the values in Redis. Nobody else can write to the memory of a process.
    """
    if redis_url is None:
        return MemoryStore(max_bytes)
    from proxy.state.redis_store import RedisStore  # noqa: PLC0415 - most start without Redis
    from proxy.state.sealed import Sealed  # noqa: PLC0415 - as above

    return Sealed(RedisStore(redis_url), key)


def make_counters(store: Store, without_redis: str | None) -> Counters:
    """The accounts of limits, where the store is: in Redis or in the memory of this process.

    `without_redis` is the setting `limits_without_redis`.
    """
    home = redis_of(store)
    if home is None:
        return MemoryCounters()
    from proxy.state.redis_counters import RedisCounters  # noqa: PLC0415 - as above

    return RedisCounters(home, without_redis)


def redis_of(store: Store) -> RedisStore | None:
    """The Redis that `store` is in; None if it is in the memory of this process."""
    if isinstance(store, MemoryStore):
        return None
    from proxy.state.redis_store import RedisStore  # noqa: PLC0415 - as above
    from proxy.state.sealed import Sealed  # noqa: PLC0415 - as above

    home = store.home if isinstance(store, Sealed) else store
    return home if isinstance(home, RedisStore) else None
