from __future__ import annotations

import asyncio
import contextvars
import gc
import weakref
from typing import Any

import pytest

from proxy.tasks import Steps, TaskScope, taking_turns


async def forever(ended: asyncio.Event) -> None:
    try:
        await asyncio.Future()
    finally:
        ended.set()


async def test_tasks_that_still_run_end_with_the_block() -> None:
    ended = asyncio.Event()
    async with TaskScope() as tasks:
        task = tasks.start(forever(ended))
        await asyncio.sleep(0)
    assert ended.is_set()
    assert task.cancelled()


async def test_an_exception_is_raised_as_itself_where_the_task_is_awaited() -> None:
    async def fail() -> None:
        raise KeyError("k")

    with pytest.raises(KeyError):
        async with TaskScope() as tasks:
            await tasks.start(fail())


async def test_an_exception_of_the_block_ends_the_tasks_and_stays_itself() -> None:
    ended = asyncio.Event()

    async def fail_beside_a_task() -> None:
        async with TaskScope() as tasks:
            _ = tasks.start(forever(ended))
            await asyncio.sleep(0)
            raise KeyError("k")

    with pytest.raises(KeyError):
        await fail_beside_a_task()
    assert ended.is_set()


async def test_a_task_that_has_been_finished_is_let_go_of() -> None:
    class Result:
        """Something that can be referred to weakly."""

    async def make() -> Result:
        return Result()

    async with TaskScope() as tasks:
        made = weakref.ref(await tasks.finish(tasks.start(make())))
        await asyncio.sleep(0)
        assert made() is None


async def test_a_result_is_what_awaiting_gives() -> None:
    async def answer() -> int:
        return 42

    async with TaskScope() as tasks:
        assert await tasks.start(answer()) == 42


async def test_a_fault_that_nobody_awaits_is_not_logged() -> None:
    logged: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: logged.append(fault))

    async def fail(*, at_the_end: bool) -> None:
        try:
            await asyncio.sleep(0)
            if at_the_end:
                await asyncio.Future()
        finally:
            raise KeyError("k")

    async with TaskScope() as tasks:
        _ = tasks.start(fail(at_the_end=False)), tasks.start(fail(at_the_end=True))
        for _ in range(3):
            await asyncio.sleep(0)
    del tasks, _
    gc.collect()
    await asyncio.sleep(0)
    assert logged == []


asked_by: contextvars.ContextVar[str] = contextvars.ContextVar("asked_by", default="nobody")


async def test_tasks_run_in_the_context_that_the_scope_was_made_in() -> None:
    """What arrives on a connection runs in the context of whoever opened it."""

    async def answer() -> str:
        return asked_by.get()

    asked_by.set("an earlier request")
    earlier = contextvars.copy_context()
    asked_by.set("this request")
    async with TaskScope() as tasks:
        assert await tasks.start(answer()) == "this request"
        assert await earlier.run(tasks.start, answer()) == "this request"


def counting(pauses: int) -> Steps[str]:
    for _ in range(pauses):
        yield
    return "done"


@pytest.mark.parametrize("pauses", [0, 3])
async def test_work_in_steps_lets_others_go_on_whenever_it_pauses(pauses: int) -> None:
    turns = 0
    working = asyncio.create_task(taking_turns(counting(pauses)))
    while not working.done():
        turns += 1
        await asyncio.sleep(0)
    assert await working == "done"
    assert turns == pauses + 1


async def test_work_in_steps_can_be_cancelled_at_a_pause() -> None:
    working = asyncio.create_task(taking_turns(counting(3)))
    await asyncio.sleep(0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
