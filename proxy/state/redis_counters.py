"""The accounts of limits in Redis, which processes share.

The rule is that of `proxy.access.ledger`, written once more in Redis' language, so that each step
is atomic. All processes use Redis' clock. An account is four keys, of which only those exist that
have a limit:

    …:r  requests, and …:t  tokens: a hash with a field for each second, "last_ms amount"
    …:p  places of answers: a sorted set of names, by the time at which they end
    …:b  a hash with the latest `day` and `month`, and the tokens of each

A place ends 60 seconds after it was last renewed, so those of a process that died come free.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

from proxy.access.ledger import Account, Charge, Hold, Ledger, Standing, Verdict
from proxy.access.moments import Moment
from proxy.state.counters import may_do_without, moment_now, unavailable
from proxy.state.counters_script import RENEW, SETTLE, TAKE
from proxy.state.redis_store import RedisStore

LEASE_MS: Final = 60_000
_RENEW_S: Final = 15.0
_NO_LIMIT: Final = -1
_MOST_OWED: Final = 10_000
"""How many answers' tokens may wait for Redis to come back."""
_OF_A_STANDING: Final = 9

_log = logging.getLogger(__name__)


class RedisCounters:
    """The accounts in Redis under `limits:…`. While Redis is away, this process counts by itself.

    That is so for the accounts that may do without it; a charge of any other raises
    LimitsUnavailable. What an answer used of Redis' accounts is told to Redis when it is back.
    """

    def __init__(
        self,
        store: RedisStore,
        policy: str | None,
        *,
        clock: Callable[[], Moment] = moment_now,
        redis_clock: Callable[[], int] | None = None,
        lease_ms: int = LEASE_MS,
    ) -> None:
        """`redis_clock` gives milliseconds in place of Redis' own clock.

        A place ends `lease_ms` after it was last renewed.
        """
        self._store = store
        self._policy = policy
        self._clock = clock
        self._redis_clock = redis_clock
        self._lease_ms = lease_ms
        self._own = Ledger()
        self._leases: dict[str, tuple[Account, ...]] = {}
        """The places that this process holds in Redis."""
        self._apart: set[str] = set()
        """The leases of requests that this process counts by itself."""
        self._owed: deque[tuple[Hold, int]] = deque(maxlen=_MOST_OWED)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._taking: dict[str, asyncio.Task[Any]] = {}
        """The latest charge of each lease."""

    @property
    def moment(self) -> Moment:
        return self._clock()

    async def take(self, hold: Hold, charge: Charge) -> Verdict:
        """See `Counters.take`. A charge that Redis has begun is known even if nobody waits."""
        if hold.lease in self._apart:
            return self._own.take(hold, charge, self._clock())
        taking = self._taking[hold.lease] = self._start(self._take(hold, charge))
        verdict: Verdict | None = await asyncio.shield(taking)
        if verdict is not None:
            return verdict
        if not all(may_do_without(account, self._policy) for account in hold.accounts):
            raise unavailable()
        verdict = self._own.take(hold, charge, self._clock())
        if hold.lease in self._leases:
            hold.tokens = 0  # Redis has none of them, and will learn what was used
        else:
            self._apart.add(hold.lease)
        return verdict

    async def settle(self, hold: Hold, used: int) -> None:
        """See `Counters.settle`."""
        if hold.lease in self._apart:
            self._apart.discard(hold.lease)
            self._taking.pop(hold.lease, None)
            self._own.settle(hold, used, self._clock())
            return
        await asyncio.shield(self._start(self._settle(hold, used)))

    async def keep(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_S)
            await self.renew()

    async def renew(self) -> None:
        """Make the places of this process last, and settle what is owed."""
        for lease, accounts in list(self._leases.items()):
            keys = [_key(each, "p") for each in accounts if each.limits.concurrent is not None]
            if keys and lease in self._leases:
                await self._store.run_script(RENEW, keys, [self._now_ms(), self._lease_ms, lease])
        while self._owed:
            hold, used = self._owed[0]
            if not await self._send_settlement(hold, used):
                break
            self._owed.popleft()

    async def aclose(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self.renew()
        if self._owed:
            _log.warning("Redis has not learned what answers used: %d", len(self._owed))

    async def _take(self, hold: Hold, charge: Charge) -> Verdict | None:
        """The verdict of Redis; None if it gives none."""
        moment = self._clock()
        keys = [key for account in hold.accounts for key in _keys(account)]
        first = [self._now_ms(), self._lease_ms, moment.day, moment.month]
        wanted: list[int | str] = [charge.requests, charge.lease, charge.least, charge.tokens]
        limits = [limit for account in hold.accounts for limit in _limits(account)]
        reply = await self._store.run_script(TAKE, keys, [*first, *wanted, *limits])
        if reply is None:
            return None
        is_taken, tokens, at_ms, *facts = reply
        if is_taken and charge.lease:
            self._leases[charge.lease] = hold.accounts
        standings = tuple(
            Standing(*facts[start : start + _OF_A_STANDING])
            for start in range(0, len(facts), _OF_A_STANDING)
        )
        verdict = Verdict(bool(is_taken), tokens, standings)
        hold.note(verdict, at_ms, moment)
        return verdict

    async def _settle(self, hold: Hold, used: int) -> None:
        if (taking := self._taking.pop(hold.lease, None)) is not None:
            await asyncio.wait((taking,))  # a client that left may not have waited for it
        self._leases.pop(hold.lease, None)
        if not await self._send_settlement(hold, used):
            self._owed.append((hold, used))

    async def _send_settlement(self, hold: Hold, used: int) -> bool:
        moment = self._clock()
        keys = [key for account in hold.accounts for key in _keys(account)]
        first: list[int | str] = [self._now_ms(), moment.day, moment.month, hold.lease]
        taken = [used - hold.tokens, hold.at_ms, hold.day, hold.month]
        limits = [limit for account in hold.accounts for limit in _limits(account)]
        reply = await self._store.run_script(SETTLE, keys, [*first, *taken, *limits])
        return reply is not None

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task that goes on if the request that waits for it is cancelled."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _now_ms(self) -> int | str:
        return "" if self._redis_clock is None else self._redis_clock()


def _keys(account: Account) -> list[str]:
    return [_key(account, part) for part in "rtpb"]


def _key(account: Account, part: str) -> str:
    return f"limits:{account.name}:{part}"


def _limits(account: Account) -> list[int]:
    limits = account.limits
    each = (
        limits.requests_per_minute,
        limits.tokens_per_minute,
        limits.concurrent,
        limits.daily_tokens,
        limits.monthly_tokens,
    )
    return [_NO_LIMIT if limit is None else limit for limit in each]
