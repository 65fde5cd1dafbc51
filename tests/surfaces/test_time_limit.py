from __future__ import annotations

import asyncio

import pytest

from proxy.errors import AnswerTimeout
from proxy.surfaces.time_limit import in_time
from tests.support.clock import skipping_clock


async def test_work_that_ends_in_time_is_let_alone() -> None:
    done: list[bool] = []

    async def work() -> None:
        await asyncio.sleep(0)
        done.append(True)

    await in_time(work(), asyncio.get_running_loop().time() + 60, 60)
    assert done


async def test_work_is_cancelled_when_its_time_is_over() -> None:
    has_ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            has_ended.set()

    with skipping_clock() as clock:
        until = asyncio.get_running_loop().time() + 60
        task = asyncio.create_task(in_time(work(), until, 60))
        await asyncio.sleep(0)
        clock.skip(61)
        with pytest.raises(AnswerTimeout, match="after 60 seconds") as told:
            await task
    assert has_ended.is_set()
    assert (told.value.status, told.value.code, told.value.retryable) == (
        504,
        "answer_timeout",
        False,
    )


async def test_another_time_out_is_not_taken_for_the_answers() -> None:
    async def work() -> None:
        raise TimeoutError("another")

    with pytest.raises(TimeoutError, match="another"):
        await in_time(work(), asyncio.get_running_loop().time() + 60, 60)


async def test_a_cancellation_from_outside_stays_one() -> None:
    task = asyncio.create_task(
        in_time(asyncio.sleep(60), asyncio.get_running_loop().time() + 60, 60)
    )
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
