"""The clock: order and completeness, not punctuality, which a busy machine would spoil."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from bench.clock import Clock

PATIENCE_S = 60.0


@pytest.fixture
async def clock() -> AsyncIterator[Clock]:
    clock = Clock()
    yield clock
    clock.close()


async def heard(clock: Clock, *delays: float) -> list[float]:
    """The delays in the order in which they were over."""
    now = time.monotonic()
    over: list[float] = []
    all_over = asyncio.Event()

    def call_back(delay: float) -> Callable[[], None]:
        def note() -> None:
            assert time.monotonic() >= now + delay
            over.append(delay)
            if len(over) == len(delays):
                all_over.set()

        return note

    for delay in delays:
        clock.call_at(now + delay, call_back(delay))
    async with asyncio.timeout(PATIENCE_S):
        await all_over.wait()
    return over


async def test_callbacks_come_in_the_order_of_their_times_and_never_early(clock: Clock) -> None:
    assert await heard(clock, 0.006, 0.002, 0.004, 0.002) == [0.002, 0.002, 0.004, 0.006]


async def test_a_time_that_is_past_is_called_back_at_once(clock: Clock) -> None:
    assert await heard(clock, -1.0) == [-1.0]


async def test_a_callback_may_ask_for_the_next(clock: Clock) -> None:
    done = asyncio.Event()
    times: list[float] = []

    def again() -> None:
        times.append(time.monotonic())
        if len(times) == 3:
            done.set()
        else:
            clock.call_at(times[-1] + 0.001, again)

    clock.call_at(time.monotonic(), again)
    async with asyncio.timeout(PATIENCE_S):
        await done.wait()
    assert times == sorted(times)
