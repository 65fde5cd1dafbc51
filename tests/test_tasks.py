from __future__ import annotations

import asyncio

import pytest

from proxy.tasks import task_scope


async def forever(ended: asyncio.Event) -> None:
    try:
        await asyncio.Future()
    finally:
        ended.set()


async def test_tasks_that_still_run_end_with_the_block() -> None:
    ended = asyncio.Event()
    async with task_scope() as start:
        task = start(forever(ended))
        await asyncio.sleep(0)
    assert ended.is_set()
    assert task.cancelled()


async def test_an_exception_is_raised_as_itself_where_the_task_is_awaited() -> None:
    async def fail() -> None:
        raise KeyError("k")

    with pytest.raises(KeyError):
        async with task_scope() as start:
            await start(fail())


async def test_an_exception_of_the_block_ends_the_tasks_and_stays_itself() -> None:
    ended = asyncio.Event()

    async def fail_beside_a_task() -> None:
        async with task_scope() as start:
            _ = start(forever(ended))
            await asyncio.sleep(0)
            raise KeyError("k")

    with pytest.raises(KeyError):
        await fail_beside_a_task()
    assert ended.is_set()


async def test_a_result_is_what_awaiting_gives() -> None:
    async def answer() -> int:
        return 42

    async with task_scope() as start:
        assert await start(answer()) == 42
