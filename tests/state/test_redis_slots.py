"""Slots of the model that processes share through a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from proxy.access.fair_queue import FairQueue, Place, QueueRules, Ticket
from proxy.state import redis_slots
from proxy.state.redis_slots import LEASE_MS, RedisSlots
from proxy.state.redis_store import PREFIX, RedisStore
from proxy.state.sealed import Sealed
from proxy.upstreams.model.model_queue import ModelQueue, make_queue
from tests.access.queue_samples import ticket
from tests.state.hand_clock import HandClock
from tests.state.test_redis_store import SECRET, manual_s_user
from tests.support.redis_server import redis_server
from tests.upstreams.raw_server import PATIENCE_S


@dataclass
class Site:
    """One process with a queue, which tells Redis when the test lets it."""

    store: RedisStore
    name: str
    limit: int
    ms: list[int]
    line: FairQueue = field(default_factory=lambda: FairQueue(0, 1_000, HandClock()))
    inside: list[Ticket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.slots = RedisSlots(
            self.store,
            self.name,
            self.line,
            self.look,
            limit=self.limit,
            own=1,
            redis_clock=lambda: self.ms[0],
        )

    def look(self) -> None:
        self.line.serve()

    async def tell(self) -> int:
        """How many run once Redis was told."""
        await self.slots.tell()
        return self.line.running

    async def want(self, count: int) -> int:
        for _ in range(count):
            self.inside.append(one := ticket())
            self.line.enter(one)
        return await self.tell()

    async def end(self, count: int) -> int:
        """Let so many end, one after the other, and others run in their place."""
        for _ in range(count):
            one = next(each for each in self.inside if each.place is Place.RUNNING)
            self.inside.remove(one)
            self.line.leave(one)
            self.line.serve()
            await self.tell()
        return self.line.running


@asynccontextmanager
async def sites(count: int, limit: int, redis_url: str) -> AsyncIterator[list[Site]]:
    name, ms = uuid4().hex, [1_000_000]
    stores = [RedisStore(redis_url, timeout_s=PATIENCE_S) for _ in range(count)]
    try:
        yield [Site(store, name, limit, ms) for store in stores]
    finally:
        for store in stores:
            await store.aclose()


async def test_all_processes_together_run_no_more_than_the_limit(redis_url: str) -> None:
    async with sites(2, 10, redis_url) as (one, other):
        assert await one.want(6) == 6
        assert await other.want(6) == 4
        assert await one.end(1) == 5
        assert await other.tell() == 5


async def test_one_process_gets_all_that_no_other_wants(redis_url: str) -> None:
    async with sites(2, 10, redis_url) as (one, other):
        assert await one.want(50) == 10
        assert await other.want(0) == 0
        assert await one.end(3) == 10


async def test_a_process_that_has_all_gives_back_until_both_have_as_many(
    redis_url: str,
) -> None:
    async with sites(2, 10, redis_url) as (one, other):
        await one.want(50)
        assert await other.want(50) == 0
        assert await one.tell() == 10
        history = [(await one.end(1), await other.tell()) for _ in range(8)]
        assert history[:5] == [(9, 1), (8, 2), (7, 3), (6, 4), (5, 5)]
        assert {sum(each) for each in history} == {10}
        assert all(each in [(5, 5), (6, 4), (4, 6)] for each in history[4:])


async def test_what_content_processes_leave_is_shared_by_those_that_want_more(
    redis_url: str,
) -> None:
    async with sites(3, 11, redis_url) as (content, one, other):
        await content.want(1)
        await one.want(50)
        await other.want(50)
        for _ in range(20):
            await one.end(1)
            await other.tell()
        assert (one.line.running, other.line.running) == (5, 5)


async def test_with_fewer_slots_than_processes_each_has_its_turn(redis_url: str) -> None:
    async with sites(3, 1, redis_url) as group:
        for each in group:
            await each.want(20)
        served = []
        for _ in range(30):
            group[0].ms[0] += 1
            for each in group:
                if each.line.running:
                    await each.end(1)
                    served.append(str(group.index(each)))
                else:
                    await each.tell()
        assert min(map(served.count, "012")) >= 5


async def test_the_slots_of_a_killed_process_come_free(redis_url: str) -> None:
    async with sites(2, 10, redis_url) as (killed, other):
        await killed.want(10)
        assert await other.want(3) == 0
        other.ms[0] += LEASE_MS - 1
        assert await other.tell() == 0
        other.ms[0] += 1
        assert await other.tell() == 3


async def test_nothing_is_left_in_redis_when_nothing_runs(redis_url: str) -> None:
    async with sites(1, 10, redis_url) as (one,):
        await one.want(2)
        client = Redis.from_url(redis_url)
        assert await client.exists(f"{PREFIX}slots:{one.name}") == 1
        assert 0 < await client.pttl(f"{PREFIX}slots:{one.name}") <= LEASE_MS
        await one.end(2)
        assert await client.exists(f"{PREFIX}slots:{one.name}") == 0
        await client.aclose()


@given(
    limit=st.integers(1, 6),
    steps=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["want", "end", "tell", "late"])), max_size=40
    ),
)
@hypothesis_settings(
    max_examples=40,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_happens_no_more_run_than_the_limit_and_no_slot_is_lost(
    redis_url: str, *, limit: int, steps: list[tuple[int, str]]
) -> None:
    asyncio.run(play(redis_url, limit, steps))


async def play(redis_url: str, limit: int, steps: list[tuple[int, str]]) -> None:
    async with sites(3, limit, redis_url) as group:
        for number, step in steps:
            site = group[number]
            if step == "want":
                await site.want(2)
            elif step == "end" and site.line.running:
                await site.end(1)
            elif step == "late":
                site.ms[0] += LEASE_MS // 3
                for each in group:
                    await each.tell()
            else:
                await site.tell()
            assert sum(each.line.running for each in group) <= limit
        for _ in range(3 * (2 * len(steps) + 3)):
            for each in group:
                await each.tell()
                if each.line.running:
                    await each.end(1)
        assert not any(each.line.waiting or each.line.running for each in group)


# As tasks, with what a proxy has


async def finished(queue: ModelQueue, waiting: Ticket) -> None:
    if not queue.enter(waiting):
        await queue.wait(waiting, PATIENCE_S)
    await asyncio.sleep(0)
    queue.leave(waiting)


def queues(redis_url: str, count: int, limit: int) -> tuple[list[RedisStore], list[ModelQueue]]:
    whose = uuid4().hex
    stores = [RedisStore(redis_url, timeout_s=PATIENCE_S) for _ in range(count)]
    made = [make_queue(Sealed(each, b"k"), whose) for each in stores]
    for each in made:
        each.take(QueueRules(limit, 1))
    return stores, made


async def test_two_queues_serve_all_that_wait_in_them(redis_url: str) -> None:
    stores, made = queues(redis_url, 2, 3)
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(finished(each, ticket()) for each in made for _ in range(40)))
    for queue, store in zip(made, stores, strict=True):
        await queue.aclose()
        assert isinstance(queue.shared, RedisSlots)
        assert queue.shared._task is None
        await store.aclose()


async def test_a_queue_that_is_closed_gives_its_slots_to_others(redis_url: str) -> None:
    stores, (one, other) = queues(redis_url, 2, 1)
    running = ticket()
    assert not one.enter(running)
    await one.wait(running, PATIENCE_S)
    waits = asyncio.create_task(finished(other, ticket()))
    await one.aclose()
    async with asyncio.timeout(PATIENCE_S):
        await waits
    await other.aclose()
    for store in stores:
        await store.aclose()


async def test_slots_are_told_again_before_they_end(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_slots, "_RENEW_S", 0.001)
    stores, (queue,) = queues(redis_url, 1, 1)
    running = ticket()
    queue.enter(running)
    await queue.wait(running, PATIENCE_S)
    told = asyncio.Semaphore(0)

    async def tell() -> None:
        told.release()

    assert isinstance(queue.shared, RedisSlots)
    monkeypatch.setattr(queue.shared, "tell", tell)
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(3):
            await told.acquire()
    monkeypatch.undo()
    await queue.aclose()
    await stores[0].aclose()


async def test_while_redis_is_away_each_process_has_its_own_share() -> None:
    with redis_server() as server:
        stores, (queue,) = queues(server.url, 1, 5)
        server.stop()
        tickets = [ticket(), ticket()]
        waits = [
            asyncio.create_task(queue.wait(each, PATIENCE_S))
            for each in tickets
            if not queue.enter(each)
        ]
        done, _ = await asyncio.wait(waits, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 1
        assert [each.place for each in tickets] == [Place.RUNNING, Place.WAITING]
        queue.leave(tickets[0])
        await asyncio.wait(waits, timeout=PATIENCE_S)
        assert tickets[1].place is Place.RUNNING
        queue.leave(tickets[1])
        await queue.aclose()
        await stores[0].aclose()


async def test_the_user_of_the_manual_may_do_all_this() -> None:
    with redis_server() as server:
        async with aclosing(Redis.from_url(server.url)) as admin:
            await admin.execute_command(*manual_s_user())  # type: ignore[no-untyped-call]  # redis-py
        url = f"{server.url}?username=rag-proxy&password={SECRET}"
        async with sites(1, 3, url) as (site,):
            assert await site.want(5) == 3
            assert await site.end(5) == 0
