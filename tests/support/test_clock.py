"""Event loops whose clock is moved on: what was to happen meanwhile happens, in its order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.support.clock import LIMIT_S, SkippingLoop, idle, skipping_clock

RunOut = Callable[[], Awaitable[None]]


def on_uvloop(check: Callable[[RunOut], Awaitable[None]]) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SkippingLoop)
        await check(loop.run_out)

    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        runner.run(run())


def on_asyncio(check: Callable[[RunOut], Awaitable[None]]) -> None:
    async def run() -> None:
        with skipping_clock() as clock:
            await check(clock.run_out)

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(run())


BOTH = pytest.mark.parametrize("on", [on_asyncio, on_uvloop])
On = Callable[[Callable[[RunOut], Awaitable[None]]], None]


@BOTH
def test_a_limit_runs_out_only_when_it_is_to(on: On) -> None:
    async def check(run_out: RunOut) -> None:
        limited = asyncio.create_task(asyncio.wait_for(asyncio.Event().wait(), LIMIT_S))
        for _ in range(1_000):
            await asyncio.sleep(0)
        assert not limited.done()
        await run_out()
        with pytest.raises(TimeoutError):
            await limited

    on(check)


@BOTH
def test_what_needs_no_time_happens_before_a_limit_runs_out(on: On) -> None:
    async def check(run_out: RunOut) -> None:
        async def steps() -> str:
            for _ in range(40):
                await asyncio.sleep(0)
            return "done"

        limited = asyncio.create_task(asyncio.wait_for(steps(), LIMIT_S))
        await run_out()
        assert await limited == "done"

    on(check)


@BOTH
def test_timers_keep_their_order_and_those_that_are_cancelled_are_gone(on: On) -> None:
    async def check(run_out: RunOut) -> None:
        loop, rung = asyncio.get_running_loop(), list[int]()
        for number in (3, 1, 2):
            loop.call_later(number, rung.append, number)
        loop.call_at(loop.time() + 4, rung.append, 4)
        loop.call_later(1.5, rung.append, 0).cancel()
        later = loop.call_later(2 * LIMIT_S, rung.append, 5)
        await run_out()
        await idle()
        assert rung == [1, 2, 3, 4]
        assert not later.cancelled()
        await run_out()
        await idle()
        assert rung[-1] == 5

    on(check)
