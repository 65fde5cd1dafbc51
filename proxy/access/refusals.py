"""What a client is told about its limits: in headers, as OpenAI writes them, and in refusals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

from proxy.access.ledger import Account, Charge, Standing, Verdict, Whose
from proxy.access.moments import Moment
from proxy.errors import LimitExceeded, QuotaExceeded, RequestTooCostly

Headers = list[tuple[bytes, bytes]]

_Left = tuple[int, int, int]
"""What remains of a limit for each minute, the limit, and the time until nothing of it is used."""

_FACTS: Final = ("limit", "remaining", "reset")
_REQUESTS: Final = tuple(f"x-ratelimit-{fact}-requests".encode() for fact in _FACTS)
_TOKENS: Final = tuple(f"x-ratelimit-{fact}-tokens".encode() for fact in _FACTS)
LIMIT_HEADERS: Final = tuple(name.decode() for name in (*_REQUESTS, *_TOKENS))
_SECOND_MS: Final = 1000
_MINUTE_S: Final = 60
_WHO: Final[Mapping[Whose, str]] = {
    "person": "You",
    "key": "This key",
    "all": "All clients together",
}
_PLACE_WAIT_S: Final = 1
"""How long to wait for a place among the answers. Nobody knows when one of them ends."""


def limit_headers(accounts: tuple[Account, ...], verdict: Verdict) -> Headers:
    """The headers of a reply: for each kind of limit, the tightest that there is."""
    requests: _Left | None = None
    tokens: _Left | None = None
    for account, now in zip(accounts, verdict.standings, strict=True):
        limit = account.limits.requests_per_minute
        if limit is not None:
            left = limit - now.requests, limit, now.requests_reset
            requests = left if requests is None or left < requests else requests
        limit = account.limits.tokens_per_minute
        if limit is not None:
            left = limit - now.tokens, limit, now.tokens_reset
            tokens = left if tokens is None or left < tokens else tokens
    headers: Headers = []
    if requests is not None:
        headers += zip(_REQUESTS, _values(*requests), strict=True)
    if tokens is not None:
        headers += zip(_TOKENS, _values(*tokens), strict=True)
    return headers


def _values(remaining: int, limit: int, reset_ms: int) -> tuple[bytes, bytes, bytes]:
    return b"%d" % limit, b"%d" % max(0, remaining), duration(reset_ms).encode()


def duration(milliseconds: int) -> str:
    """A time as OpenAI writes it: `250ms`, `59s`, `6m0s`. Seconds are rounded up."""
    if milliseconds < _SECOND_MS:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, seconds = divmod(-(-milliseconds // _SECOND_MS), _MINUTE_S)
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"


def refusal(
    accounts: tuple[Account, ...], charge: Charge, verdict: Verdict, moment: Moment
) -> LimitExceeded:
    """Why a charge was refused: of all its reasons, the one that lasts longest."""
    found = [
        error
        for account, now in zip(accounts, verdict.standings, strict=True)
        for error in _refusals(account, charge, now, moment)
    ]
    return max(found, key=_lasts)


def _lasts(error: LimitExceeded) -> float:
    return math.inf if error.retry_after_s is None else error.retry_after_s


def _refusals(
    account: Account, charge: Charge, now: Standing, moment: Moment
) -> Iterator[LimitExceeded]:
    limits = account.limits
    budgets = (
        ("month", limits.monthly_tokens, now.month_tokens, moment.month_left_s),
        ("day", limits.daily_tokens, now.day_tokens, moment.day_left_s),
    )
    for period, limit, used, left_s in budgets:
        if limit is not None and used + charge.least > limit:
            yield _over_budget(account, period, limit, charge, left_s)
    limit = limits.tokens_per_minute
    if limit is not None and now.tokens + charge.least > limit:
        yield _too_fast(account, f"{limit} tokens", limit, charge.least, now.tokens_wait)
    limit = limits.requests_per_minute
    if limit is not None and now.requests + charge.requests > limit:
        yield _too_fast(account, f"{limit} requests", limit, charge.requests, now.requests_wait)
    limit = limits.concurrent
    if charge.lease and limit is not None and now.leases >= limit:
        yield LimitExceeded(
            f"{_WHO[account.whose]} may have {limit} answers made at the same time. Wait until one "
            "of them ends.",
            retry_after_s=_PLACE_WAIT_S,
        )


def _over_budget(
    account: Account, period: str, limit: int, charge: Charge, left_s: int
) -> QuotaExceeded:
    asks = f" This request may take {charge.least}." if charge.least > 1 else ""
    return QuotaExceeded(
        f"{_WHO[account.whose]} may use {limit} tokens a {period}, and too few of them are left."
        f"{asks} The {period} ends in {_long(left_s)}, at 0:00 UTC.",
        retry_after_s=left_s,
    )


def _too_fast(
    account: Account, amount: str, limit: int, wanted: int, wait_ms: int
) -> LimitExceeded:
    may = f"{_WHO[account.whose]} may use {amount} in 60 seconds."
    if wanted > limit:
        return RequestTooCostly(
            f"{may} This request alone may take {wanted}. Send less, or ask for fewer tokens."
        )
    wait_s = max(1, math.ceil(wait_ms / _SECOND_MS))
    return LimitExceeded(f"{may} Try again in {duration(wait_s * 1000)}.", retry_after_s=wait_s)


def _long(seconds: int) -> str:
    """A time of up to a month, in words."""
    hours, minutes = divmod(math.ceil(seconds / _MINUTE_S), _MINUTE_S)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "m")]
    return " ".join(f"{count}{unit}" for count, unit in parts if count)
