from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from proxy.errors import BadReply, Overloaded
from proxy.state.memory_store import MemoryStore
from proxy.state.shared import Shared

PATIENCE_S = 60


@dataclass
class Maker:
    """Makes results; they come when `gate` is set."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    made: int = 0
    fault: Exception | None = None

    async def make(self) -> bytes:
        self.made += 1
        self.started.set()
        try:
            await self.gate.wait()
            if self.fault:
                raise self.fault
            return f"result {self.made}".encode()
        finally:
            self.ended.set()


def open_maker() -> Maker:
    maker = Maker()
    maker.gate.set()
    return maker


def shared(
    ttl_s: float = 30, store: MemoryStore | None = None, clock: Callable[[], float] = lambda: 0.0
) -> Shared[str]:
    return Shared(store or MemoryStore(10_000, clock), ttl_s)


async def settle() -> None:
    """Let everything that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_is_asked_again_is_not_made_again() -> None:
    results, maker = shared(), open_maker()
    assert await results.get("a", maker.make, bytes.decode) == "result 1"
    assert await results.get("a", maker.make, bytes.decode) == "result 1"
    assert await results.get("b", maker.make, bytes.decode) == "result 2"


async def test_results_are_made_again_after_their_time() -> None:
    now_s = 0.0
    results, maker = shared(30, clock=lambda: now_s), open_maker()
    await results.get("a", maker.make, bytes.decode)
    now_s = 29.0
    assert await results.get("a", maker.make, bytes.decode) == "result 1"
    now_s = 31.0
    assert await results.get("a", maker.make, bytes.decode) == "result 2"


async def test_all_who_ask_at_the_same_time_get_one_result() -> None:
    results, maker = shared(), Maker()
    asking = [asyncio.create_task(results.get("a", maker.make, bytes.decode)) for _ in range(5)]
    await maker.started.wait()
    maker.gate.set()
    assert await asyncio.gather(*asking) == ["result 1"] * 5


async def test_nothing_is_shared_when_the_time_is_zero() -> None:
    results, maker = shared(0), Maker()
    asking = [asyncio.create_task(results.get("a", maker.make, bytes.decode)) for _ in range(2)]
    await settle()
    assert maker.made == 2
    maker.gate.set()
    await asyncio.gather(*asking)


async def test_one_of_the_others_begins_anew_when_the_first_is_gone() -> None:
    results, maker = shared(), Maker()
    first = asyncio.create_task(results.get("a", maker.make, bytes.decode))
    await maker.started.wait()
    others = [asyncio.create_task(results.get("a", maker.make, bytes.decode)) for _ in range(3)]
    await settle()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert maker.ended.is_set()
    maker.gate.set()
    assert await asyncio.gather(*others) == ["result 2"] * 3
    assert maker.made == 2


async def test_the_result_is_still_made_when_one_who_waits_is_gone() -> None:
    results, maker = shared(), Maker()
    first = asyncio.create_task(results.get("a", maker.make, bytes.decode))
    await maker.started.wait()
    others = [asyncio.create_task(results.get("a", maker.make, bytes.decode)) for _ in range(2)]
    await settle()
    others[0].cancel()
    await settle()
    maker.gate.set()
    assert [await first, await others[1]] == ["result 1"] * 2


async def test_making_ends_with_the_last_who_waits() -> None:
    results, maker = shared(), Maker()
    asking = [asyncio.create_task(results.get("a", maker.make, bytes.decode)) for _ in range(2)]
    await maker.started.wait()
    await settle()
    for each in asking:
        each.cancel()
    await asyncio.wait(asking, timeout=PATIENCE_S)
    assert maker.ended.is_set()
    maker.gate.set()
    assert await results.get("a", maker.make, bytes.decode) == "result 2"


async def test_whoever_asks_while_the_last_one_leaves_begins_anew() -> None:
    results, maker = shared(), Maker()
    first = asyncio.create_task(results.get("a", maker.make, bytes.decode))
    await maker.started.wait()
    first.cancel()
    second = asyncio.create_task(results.get("a", maker.make, bytes.decode))
    maker.gate.set()
    assert await asyncio.wait_for(second, PATIENCE_S) in ("result 1", "result 2")


async def test_a_failure_goes_to_all_who_wait_and_is_not_kept() -> None:
    results, maker = shared(), Maker(fault=Overloaded("LightOn", "Back soon."))
    asking = [asyncio.create_task(results.get("a", maker.make, bytes.decode)) for _ in range(2)]
    await maker.started.wait()
    await settle()
    maker.gate.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(each) for each in outcomes] == [Overloaded, Overloaded]
    maker.fault = None
    assert await results.get("a", maker.make, bytes.decode) == "result 2"


def refuse(_: bytes) -> str:
    raise BadReply("LightOn", "unreadable")


async def test_what_cannot_be_read_is_an_error_and_is_not_kept() -> None:
    results, maker = shared(), open_maker()
    with pytest.raises(BadReply):
        await results.get("a", maker.make, refuse)
    assert await results.get("a", maker.make, bytes.decode) == "result 2"


async def test_what_another_version_has_written_is_made_anew() -> None:
    store = MemoryStore(10_000, lambda: 0.0)
    await store.write("a", b"garbage", 60)
    results, maker = shared(store=store), open_maker()

    def read(data: bytes) -> str:
        return refuse(data) if data == b"garbage" else data.decode()

    assert await results.get("a", maker.make, read) == "result 1"
    assert await store.read(["a"]) == {"a": b"result 1"}
