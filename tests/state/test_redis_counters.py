"""The accounts in a real Redis: beside those in memory, across processes, and while it is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from proxy.access.grants import Limits
from proxy.access.ledger import Account, Charge, Hold, Ledger
from proxy.access.moments import Moment
from proxy.errors import LimitsUnavailable
from proxy.state.redis_counters import LEASE_MS, RedisCounters
from proxy.state.redis_store import PREFIX, RedisStore
from tests.state.hand_clock import HandClock
from tests.state.redis_scripts import Relay
from tests.state.redis_scripts import redis_url as url_of
from tests.state.test_redis_store import SECRET, manual_s_user
from tests.support.redis_server import redis_server
from tests.upstreams.raw_server import PATIENCE_S, raw_server

START_MS = 1_790_000_000_000
FULL = Limits(
    requests_per_minute=4,
    tokens_per_minute=100,
    concurrent=3,
    daily_tokens=250,
    monthly_tokens=400,
)
RATES = Limits(requests_per_minute=2, concurrent=2)


@dataclass
class Time:
    """The clock of Redis and of the processes."""

    ms: int = START_MS

    def redis(self) -> int:
        return self.ms

    def moment(self) -> Moment:
        return Moment.of(self.ms / 1000, self.ms)


@dataclass
class Site:
    """One process that counts in Redis."""

    store: RedisStore
    time: Time = field(default_factory=Time)
    policy: str | None = None
    lease_ms: int = LEASE_MS

    def __post_init__(self) -> None:
        self.counters = RedisCounters(
            self.store,
            self.policy,
            clock=self.time.moment,
            redis_clock=self.time.redis,
            lease_ms=self.lease_ms,
        )
        self.names = count()

    async def arrives(self, *accounts: Account) -> tuple[Hold, bool]:
        hold = Hold(accounts, lease=f"{id(self)}-{next(self.names)}")
        charge = Charge(requests=1, lease=hold.lease, least=1)
        return hold, (await self.counters.take(hold, charge)).is_taken


def own(limits: Limits) -> Account:
    return Account(uuid4().hex, limits)


def patient(url: str) -> RedisStore:
    return RedisStore(url, timeout_s=PATIENCE_S, clock=HandClock())


@pytest.fixture
async def site(redis_url: str) -> AsyncIterator[Site]:
    async with aclosing(patient(redis_url)) as store:
        yield Site(store)


Step = tuple[str, int, int, int]
"""What a request does, which one it is, tokens, and the milliseconds that pass."""
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["arrive", "reserve", "settle"]),
        st.integers(0, 4),
        st.integers(0, 60),
        st.one_of(st.integers(0, 900), st.integers(0, 70_000), st.integers(-90_000, 40_000_000)),
    ),
    max_size=25,
)


@given(steps=STEPS, many=st.integers(1, 3))
@hypothesis_settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_redis_and_memory_follow_one_rule(redis_url: str, *, steps: list[Step], many: int) -> None:
    asyncio.run(compare(redis_url, steps, many))


async def compare(redis_url: str, steps: list[Step], many: int) -> None:
    """Do the same in Redis and in memory, where places do not end by time."""
    of_key, of_all = Limits(6, 150, 4, 300, 500), Limits(7, 200, 4, 350, 600)
    accounts = (own(FULL), own(of_key), own(of_all))[:many]
    ledger, holds = Ledger(), [(Hold(accounts, "0"), Hold(accounts, "0"))]
    async with aclosing(patient(redis_url)) as store:
        site = Site(store, lease_ms=10**10)
        for kind, index, tokens, passes in steps:
            site.time.ms += passes
            there, here = holds[index % len(holds)]
            if kind == "settle":
                await site.counters.settle(there, tokens)
                ledger.settle(here, tokens, site.time.moment())
                holds.remove((there, here))
                holds = holds or [(Hold(accounts, "0"), Hold(accounts, "0"))]
                continue
            charge = Charge(least=1 + tokens // 2, tokens=1 + tokens)
            if kind == "arrive":
                name = str(next(site.names))
                there, here = Hold(accounts, name), Hold(accounts, name)
                holds.append((there, here))
                charge = Charge(requests=1, lease=name, least=1)
            elif here.tokens:
                continue
            expected = ledger.take(here, charge, site.time.moment())
            assert await site.counters.take(there, charge) == expected
            assert there == here


async def test_two_processes_count_together(redis_url: str, site: Site) -> None:
    account = own(RATES)
    async with aclosing(patient(redis_url)) as store:
        other = Site(store)
        assert (await site.arrives(account))[1]
        assert (await other.arrives(account))[1]
        assert not (await site.arrives(account))[1]
        assert not (await other.arrives(account))[1]


async def test_without_a_clock_of_its_own_it_counts_on_redis_s(site: Site) -> None:
    counters = RedisCounters(site.store, None)
    hold = Hold((own(Limits(requests_per_minute=1)),), "a")
    charge = Charge(requests=1)
    assert (await counters.take(hold, charge)).is_taken
    refused = await counters.take(hold, charge)
    assert not refused.is_taken
    assert 0 < refused.standings[0].requests_wait <= 60_000


async def test_the_place_of_a_process_that_died_comes_free_in_a_minute(site: Site) -> None:
    account = own(Limits(concurrent=1))
    assert (await site.arrives(account))[1]
    site.time.ms += LEASE_MS - 1
    assert not (await site.arrives(account))[1]
    site.time.ms += 1
    assert (await site.arrives(account))[1]


async def test_a_place_lasts_as_long_as_it_is_renewed(site: Site) -> None:
    account = own(Limits(concurrent=1))
    hold, _ = await site.arrives(account)
    for _ in range(5):
        site.time.ms += LEASE_MS - 1
        await site.counters.renew()
    assert not (await site.arrives(account))[1]
    await site.counters.settle(hold, 0)
    await site.counters.renew()
    assert (await site.arrives(account))[1]


async def test_what_is_kept_in_redis_ends_by_itself(redis_url: str, site: Site) -> None:
    account = own(FULL)
    hold, _ = await site.arrives(account)
    await site.counters.take(hold, Charge(least=5, tokens=5))
    async with aclosing(Redis.from_url(redis_url)) as admin:
        for part in "rtpb":
            assert await admin.pttl(f"{PREFIX}limits:{account.name}:{part}") > 0


async def test_while_redis_is_away_rates_are_counted_here_and_budgets_are_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with redis_server() as server:
        async with aclosing(patient(server.url)) as store:
            site = Site(store)
            server.stop()
            rate, budget = own(RATES), own(Limits(daily_tokens=10**6))
            taken = [(await site.arrives(rate))[1] for _ in range(3)]
            assert taken == [True, True, False]
            with pytest.raises(LimitsUnavailable):
                await site.arrives(budget)
            with pytest.raises(LimitsUnavailable):
                await site.arrives(rate, budget)
    assert caplog.text.count("cannot answer") == 1


@pytest.mark.parametrize(("policy", "opens"), [("open", True), ("closed", False)])
async def test_a_policy_that_is_set_holds_for_both(policy: str, *, opens: bool) -> None:
    with redis_server() as server:
        async with aclosing(patient(server.url)) as store:
            site = Site(store, policy=policy)
            server.stop()
            for limits in (RATES, Limits(monthly_tokens=10**6)):
                try:
                    _, is_taken = await site.arrives(own(limits))
                except LimitsUnavailable:
                    is_taken = False
                assert is_taken is opens


async def test_requests_that_were_counted_here_are_settled_here() -> None:
    with redis_server() as server:
        async with aclosing(patient(server.url)) as store:
            site = Site(store)
            account = own(Limits(concurrent=1))
            server.stop()
            hold, is_taken = await site.arrives(account)
            assert is_taken
            assert not (await site.arrives(account))[1]
            await site.counters.settle(hold, 0)
            assert (await site.arrives(account))[1]


async def test_what_was_used_while_redis_was_away_is_told_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with redis_server() as server:
        clock = HandClock()
        async with aclosing(RedisStore(server.url, timeout_s=PATIENCE_S, clock=clock)) as store:
            site = Site(store)
            account = own(Limits(daily_tokens=100))
            hold, _ = await site.arrives(account)
            await site.counters.take(hold, Charge(least=10, tokens=10))
            server.stop()
            await site.counters.settle(hold, 90)
            server.start()  # it has forgotten the reserved ones, too
            clock.now += 60
            await site.counters.renew()
            late, _ = await site.arrives(account)
            verdict = await site.counters.take(late, Charge(least=1, tokens=10**6))
            assert verdict.tokens == 100 - 80
            await site.counters.aclose()
    assert "has not learned" not in caplog.text


async def test_a_request_that_is_cancelled_while_redis_answers_leaves_nothing(
    redis_url: str,
) -> None:
    relay, account = Relay(redis_url), own(FULL)
    async with raw_server(relay) as way, aclosing(patient(url_of(way))) as store:
        site = Site(store)
        hold = Hold((account,), "a")
        await site.counters.take(Hold((own(FULL),), "warm"), Charge(requests=1))
        relay.hold(0)
        charge = Charge(requests=1, lease="a", least=1, tokens=90)
        taking = asyncio.create_task(site.counters.take(hold, charge))
        async with asyncio.timeout(PATIENCE_S):
            await relay.holds.wait()
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        settling = asyncio.create_task(site.counters.settle(hold, 0))
        relay.release()
        await settling
        verdict = await site.counters.take(Hold((account,), "b"), Charge(least=1, tokens=100))
        assert (verdict.tokens, verdict.standings[0].leases) == (100, 0)


async def test_a_settlement_goes_on_if_its_request_is_cancelled(redis_url: str) -> None:
    relay, account = Relay(redis_url), own(Limits(concurrent=1))
    async with raw_server(relay) as way, aclosing(patient(url_of(way))) as store:
        site = Site(store)
        await site.counters.take(Hold((own(FULL),), "warm"), Charge(requests=1))
        relay.hold(0)
        hold = Hold((account,), "a")
        charge = Charge(requests=1, lease="a")
        taking = asyncio.create_task(site.counters.take(hold, charge))
        async with asyncio.timeout(PATIENCE_S):
            await relay.holds.wait()
        settling = asyncio.create_task(site.counters.settle(hold, 0))
        for task in (taking, settling):
            await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait((taking, settling))
        relay.release()
        await site.counters.aclose()
        assert (await site.arrives(account))[1]


async def test_what_cannot_be_told_to_redis_at_the_end_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    with redis_server() as server:
        async with aclosing(patient(server.url)) as store:
            site = Site(store)
            hold, _ = await site.arrives(own(Limits(daily_tokens=100)))
            server.stop()
            await site.counters.settle(hold, 50)
            await site.counters.aclose()
    assert "Redis has not learned what answers used: 1" in caplog.text


async def test_the_user_of_the_manual_may_do_all_that_limits_need(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with redis_server() as server:
        async with aclosing(Redis.from_url(server.url)) as admin:
            await admin.execute_command(*manual_s_user())  # type: ignore[no-untyped-call]  # redis-py
        url = f"{server.url}?username=rag-proxy&password={SECRET}"
        async with aclosing(patient(url)) as store:
            site = Site(store)
            account = own(FULL)
            hold, is_taken = await site.arrives(account)
            assert is_taken
            await site.counters.take(hold, Charge(least=5, tokens=50))
            await site.counters.renew()
            site.time.ms += 61_000
            await site.counters.settle(hold, 5)
            assert (await site.arrives(account))[1]
            await site.counters.settle(Hold((account,), "x", 1, site.time.ms), 9)
    assert not caplog.messages
