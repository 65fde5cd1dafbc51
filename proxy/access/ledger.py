"""The account of what clients use, and the one rule for who may use more.

Theory of operation:

An account stands for one person, for one key with all its people, or for all clients together. A
request is charged to several accounts at once, to all of them or to none. It takes in two steps: as
it arrives, a request and a place among the answers that are made at the same time; and, when its
body is known, tokens by estimate. When it is over, `settle` gives the place back and sets the
estimate right: what was too much goes back to the time it was taken at, and what was too little is
used now. So the tokens of an answer may pass a limit, because nobody knows them beforehand, but the
next request then waits.

A limit counts only what was let through: a request that is refused uses nothing.

`Ledger` keeps the accounts of one process. `proxy.state.redis_counters` keeps them in Redis by the
same rule, so whatever changes here must change there.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from proxy.access.grants import Limits
from proxy.access.moments import Moment
from proxy.access.window import Window

Whose = Literal["person", "key", "all"]
_LOOKED_AT: Final = 2
"""How many old books are looked at for each new one."""


@dataclass(frozen=True, slots=True)
class Account:
    """What is used under one name, and the limits of it."""

    name: str
    """Tells accounts apart. It reveals no key."""
    limits: Limits
    whose: Whose = "key"
    """Who is told of a refusal as the one that has used too much."""


class Charge(NamedTuple):
    """What a request wants. It gets at least `least` tokens and at most `tokens`, or nothing."""

    requests: int = 0
    lease: str = ""
    """The name of the place that it takes among the answers; "" if it takes none."""
    least: int = 0
    """The tokens that must be free."""
    tokens: int = 0
    """The tokens to take, if they are free."""


class Standing(NamedTuple):
    """How an account stands after a charge, as far as it has limits. Times are milliseconds.

    `…_wait` is the time until there is room for what was refused, and 0 if there is; `…_reset` the
    time until nothing counts any more.
    """

    requests: int = 0
    requests_wait: int = 0
    requests_reset: int = 0
    tokens: int = 0
    tokens_wait: int = 0
    tokens_reset: int = 0
    leases: int = 0
    day_tokens: int = 0
    month_tokens: int = 0


class Verdict(NamedTuple):
    """Whether a charge went through, and how each of its accounts stands."""

    is_taken: bool
    tokens: int
    """The tokens that it got."""
    standings: tuple[Standing, ...]


@dataclass(slots=True)
class Hold:
    """What one request has taken so far."""

    accounts: tuple[Account, ...]
    lease: str
    tokens: int = 0
    at_ms: int = 0
    """When it took the tokens, on the clock of the accounts."""
    day: int = 0
    month: int = 0

    def note(self, verdict: Verdict, at_ms: int, moment: Moment) -> None:
        """Remember the tokens of a charge that went through."""
        if verdict.is_taken and verdict.tokens:
            self.tokens, self.at_ms = verdict.tokens, at_ms
            self.day, self.month = moment.day, moment.month


@dataclass(slots=True)
class _Period:
    """The tokens of the latest day or month. If the clock goes back, it stays the latest."""

    number: int = 0
    tokens: int = 0

    def move_to(self, number: int) -> None:
        if number > self.number:
            self.number, self.tokens = number, 0

    def give_back(self, number: int, tokens: int) -> None:
        if number == self.number:
            self.tokens -= min(tokens, self.tokens)


@dataclass(slots=True)
class _Books:
    """What is used of one account."""

    requests: Window = field(default_factory=Window)
    tokens: Window = field(default_factory=Window)
    leases: set[str] = field(default_factory=set)
    day: _Period = field(default_factory=_Period)
    month: _Period = field(default_factory=_Period)

    def move_tokens_to(self, moment: Moment) -> None:
        self.tokens.move_to(moment.now_ms)
        self.day.move_to(moment.day)
        self.month.move_to(moment.month)

    def is_empty(self, moment: Moment) -> bool:
        """Whether nothing in it counts any more."""
        self.requests.move_to(moment.now_ms)
        self.move_tokens_to(moment)
        tokens = self.tokens.used or self.month.tokens  # those of the day are among the month's
        return not (tokens or self.requests.used or self.leases)

    def use(self, moment: Moment, tokens: int) -> None:
        self.tokens.add(moment.now_ms, tokens)
        self.day.tokens += tokens
        self.month.tokens += tokens

    def token_room(self, limits: Limits) -> float:
        """The tokens that are free."""
        room = math.inf
        for limit, used in (
            (limits.tokens_per_minute, self.tokens.used),
            (limits.daily_tokens, self.day.tokens),
            (limits.monthly_tokens, self.month.tokens),
        ):
            if limit is not None and limit - used < room:
                room = limit - used
        return room

    def standing(self, now_ms: int, limits: Limits, charge: Charge | None) -> Standing:
        """`charge` is what was refused, if anything was."""
        wait = tokens_wait = 0
        if charge is not None:
            if limits.requests_per_minute is not None:
                wait = self.requests.wait_ms(now_ms, limits.requests_per_minute - charge.requests)
            if limits.tokens_per_minute is not None:
                room = limits.tokens_per_minute - charge.least
                tokens_wait = self.tokens.wait_ms(now_ms, room)
        return Standing(
            requests=self.requests.used,
            requests_wait=wait,
            requests_reset=self.requests.reset_ms(now_ms),
            tokens=self.tokens.used,
            tokens_wait=tokens_wait,
            tokens_reset=self.tokens.reset_ms(now_ms),
            leases=len(self.leases),
            day_tokens=self.day.tokens,
            month_tokens=self.month.tokens,
        )


class Ledger:
    """The accounts of one process.

    It grows with the number of people and keys that have used something this month, not with that
    of requests, and not for ever: an account of which nothing counts any more is forgotten. To
    find those without a pause, each new account has two old ones looked at, in turn. So there are
    never more than twice as many as ever counted at the same time.
    """

    def __init__(self) -> None:
        self._books: OrderedDict[str, _Books] = OrderedDict()
        """The next one to look at comes first."""
        self._new = 0
        """The accounts that have begun since the last look."""

    def take(self, hold: Hold, charge: Charge, moment: Moment) -> Verdict:
        """Charge all accounts of `hold`, or none of them."""
        now_ms = moment.now_ms
        books = []
        room = math.inf
        is_taken = True
        for account in hold.accounts:
            each = self._books_of(account)
            each.requests.move_to(now_ms)
            each.move_tokens_to(moment)
            books.append((each, account.limits))
            room = min(room, each.token_room(account.limits))
            is_taken = is_taken and _has_room(each, account.limits, charge)
        is_taken = is_taken and room >= charge.least
        tokens = int(min(charge.tokens, room)) if is_taken else 0
        standings = []
        for each, limits in books:
            if is_taken:
                each.requests.add(now_ms, charge.requests)
                if charge.lease:
                    each.leases.add(charge.lease)
                if tokens:
                    each.use(moment, tokens)
            standings.append(each.standing(now_ms, limits, None if is_taken else charge))
        if self._new:
            self._forget(moment)
        verdict = Verdict(is_taken, tokens, tuple(standings))
        hold.note(verdict, now_ms, moment)
        return verdict

    def settle(self, hold: Hold, used: int, moment: Moment) -> None:
        """Give the place back, and set the tokens right: the request used so many."""
        more = used - hold.tokens
        for account in hold.accounts:
            books = self._books_of(account)
            books.move_tokens_to(moment)
            books.leases.discard(hold.lease)
            if more > 0:
                books.use(moment, more)
            else:
                books.tokens.give_back(hold.at_ms, -more)
                books.day.give_back(hold.day, -more)
                books.month.give_back(hold.month, -more)
        hold.tokens = used

    def _books_of(self, account: Account) -> _Books:
        books = self._books.get(account.name)
        if books is None:
            books = self._books[account.name] = _Books()
            self._new += 1
        return books

    def _forget(self, moment: Moment) -> None:
        """Drop the empty ones of the next few, and have the others wait for their next turn.

        `take` does this at its end: before, its own accounts may be empty, too.
        """
        for _ in range(min(_LOOKED_AT * self._new, len(self._books))):
            name, books = self._books.popitem(last=False)
            if not books.is_empty(moment):
                self._books[name] = books
        self._new = 0


def _has_room(books: _Books, limits: Limits, charge: Charge) -> bool:
    per_minute, concurrent = limits.requests_per_minute, limits.concurrent
    if per_minute is not None and books.requests.used + charge.requests > per_minute:
        return False
    return not charge.lease or concurrent is None or len(books.leases) < concurrent
