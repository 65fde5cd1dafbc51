"""What one request takes of the limits of its client, and gives back when it is over."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from proxy.access.ledger import Account, Charge, Hold, Verdict
from proxy.access.refusals import Headers, limit_headers, refusal
from proxy.state.counters import Counters
from proxy.telemetry.facts import AnswerFacts

GUESS: Final = 1_000
"""The tokens to keep free, besides the sure ones, for what nobody knows before the answer."""
_UNCOUNTED: Final = (None, None, None)
_MOST_TOKENS: Final = 10**12
"""Larger wishes of a client are no larger to its limits."""


class Slot:
    """One request's share of all accounts that it is charged to.

    It begins with a request and a place among the answers. Tokens follow when the body is known.
    """

    def __init__(
        self, counters: Counters, accounts: tuple[Account, ...], *, takes_place: bool = True
    ) -> None:
        """A request that `takes_place` among the answers needs tokens, too."""
        self._counters = counters
        self._takes_place = takes_place
        self._hold = Hold(accounts, lease=os.urandom(12).hex())
        self._facts: Callable[[], AnswerFacts] | None = None
        self._has_ended = False
        self._verdict: Verdict | None = None

    @property
    def headers(self) -> Headers:
        """The reply's headers that tell the client how its limits stand."""
        return [] if self._verdict is None else limit_headers(self._hold.accounts, self._verdict)

    async def begin(self) -> None:
        """Take a request and, for an answer, a place. One token must be free for it, too.

        Raises LimitExceeded.
        """
        if self._takes_place:
            await self._take(Charge(requests=1, lease=self._hold.lease, least=1))
        else:
            await self._take(Charge(requests=1))

    async def reserve(self, prompt: int, most: int | None, *, searches: bool) -> None:
        """Take tokens for the prompt and the answer, by estimate. Raises LimitExceeded.

        `most` is the client's own maximum for the answer. Without one, or if it `searches`, which
        brings passages and hidden rounds, the answer may take what is left, if that is less than
        the proxy would keep free for it.
        """
        if not any(map(_counts_tokens, self._hold.accounts)):
            return
        sure = min(prompt + max(most or 0, 0), _MOST_TOKENS)
        tokens = sure + GUESS if searches or not most else sure
        await self._take(Charge(least=max(1, sure), tokens=tokens))

    def follow(self, facts: Callable[[], AnswerFacts]) -> None:
        """An answer is being made. `facts` says at any time what it has cost so far."""
        self._facts = facts

    async def end(self) -> None:
        """Give the place back and count what was really used. Does nothing the second time."""
        if self._has_ended:
            return
        self._has_ended = True
        used = 0
        if self._facts is not None:
            facts = self._facts()
            used = facts.tokens + facts.estimated_tokens
        await self._counters.settle(self._hold, used)

    async def _take(self, charge: Charge) -> None:
        verdict = self._verdict = await self._counters.take(self._hold, charge)
        if not verdict.is_taken:
            raise refusal(self._hold.accounts, charge, verdict, self._counters.moment)


def _counts_tokens(account: Account) -> bool:
    limits = account.limits
    return (limits.tokens_per_minute, limits.daily_tokens, limits.monthly_tokens) != _UNCOUNTED
