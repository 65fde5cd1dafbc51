"""Where the accounts of limits are kept: in the memory of one process, or in Redis for several."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from proxy.access.ledger import Account, Charge, Hold, Ledger, Verdict
from proxy.access.moments import Moment
from proxy.errors import LimitsUnavailable

RETRY_AFTER_S: Final = 5


class Counters(Protocol):
    @property
    def moment(self) -> Moment:
        """The time now."""

    async def take(self, hold: Hold, charge: Charge) -> Verdict:
        """Charge all accounts of `hold` or none: see `Ledger.take`. Raises LimitsUnavailable."""

    async def settle(self, hold: Hold, used: int) -> None:
        """Give back what `hold` has, and count `used` tokens instead. Raises nothing.

        If the caller is cancelled, it is done all the same.
        """

    async def keep(self) -> None:
        """Keep the places of answers that are still being made. Runs until it is cancelled."""

    async def aclose(self) -> None:
        """Wait for what is being settled."""


def moment_now() -> Moment:
    """Now. Minutes are counted on a clock that nobody sets."""
    return Moment.of(time.time(), time.monotonic_ns() // 1_000_000)


class MemoryCounters:
    """The accounts of this process. Nothing here waits, so nothing can be cancelled half-way."""

    def __init__(self, clock: Callable[[], Moment] = moment_now) -> None:
        self._clock = clock
        self._ledger = Ledger()

    @property
    def moment(self) -> Moment:
        return self._clock()

    async def take(self, hold: Hold, charge: Charge) -> Verdict:
        return self._ledger.take(hold, charge, self._clock())

    async def settle(self, hold: Hold, used: int) -> None:
        self._ledger.settle(hold, used, self._clock())

    async def keep(self) -> None: ...

    async def aclose(self) -> None: ...


def may_do_without(account: Account, policy: str | None) -> bool:
    """Whether an account may be counted by this process alone while Redis is away.

    `policy` is the setting `limits_without_redis`. Without one, only accounts of a day or a month
    may not: what was used of them before is known to Redis alone.
    """
    limits = account.limits
    has_budget = limits.daily_tokens is not None or limits.monthly_tokens is not None
    return policy == "open" or (policy is None and not has_budget)


def unavailable() -> LimitsUnavailable:
    return LimitsUnavailable(
        "The proxy cannot tell now how much of your limits is used, because it does not reach the "
        "store that counts it. Try again later.",
        retry_after_s=RETRY_AFTER_S,
    )
