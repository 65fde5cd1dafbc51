"""The accounts in memory, and who may do without Redis."""

import pytest

from proxy.access.grants import Limits
from proxy.access.ledger import Account, Charge, Hold
from proxy.access.moments import Moment
from proxy.state.counters import MemoryCounters, may_do_without, moment_now


async def test_memory_counts_by_its_clock() -> None:
    now = 1_000.0
    counters = MemoryCounters(lambda: Moment.of(now))
    hold = Hold((Account("a", Limits(requests_per_minute=1)),), lease="x")
    assert (await counters.take(hold, Charge(requests=1))).is_taken
    assert not (await counters.take(hold, Charge(requests=1))).is_taken
    now += 60
    assert counters.moment == Moment.of(now)
    assert (await counters.take(hold, Charge(requests=1))).is_taken
    await counters.settle(hold, 0)
    await counters.keep()
    await counters.aclose()


def test_minutes_pass_on_a_clock_that_only_goes_on() -> None:
    first = moment_now()
    assert first.now_ms <= moment_now().now_ms
    assert first.day > 20_000


@pytest.mark.parametrize(
    ("policy", "rates", "budgets"),
    [(None, True, False), ("open", True, True), ("closed", False, False)],
)
def test_without_redis_rates_stay_open_and_budgets_close_unless_told(
    policy: str | None, *, rates: bool, budgets: bool
) -> None:
    rate = Account("a", Limits(requests_per_minute=1, tokens_per_minute=1, concurrent=1))
    assert may_do_without(rate, policy) is rates
    for limits in (Limits(daily_tokens=1), Limits(monthly_tokens=1, concurrent=2)):
        assert may_do_without(Account("a", limits), policy) is budgets
