from __future__ import annotations

import asyncio
import weakref
from typing import Any

import pytest

from proxy.tasks import Aside, TaskScope, begin


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


async def test_what_can_be_done_at_once_is_done_when_it_is_begun() -> None:
    done = []

    async def work() -> None:
        done.append(1)

    assert begin(work()) is None
    assert done == [1]


async def test_the_rest_is_done_where_it_is_awaited() -> None:
    gate, done = asyncio.Event(), []

    async def work() -> None:
        await gate.wait()
        done.append(1)
        await asyncio.sleep(0)
        done.append(2)

    begun = begin(work())
    assert begun is not None
    gate.set()
    await begun
    assert done == [1, 2]


async def test_what_it_raises_is_raised_where_it_is_awaited() -> None:
    async def fail() -> None:
        raise ValueError("late")

    begun = begin(fail())
    assert begun is not None
    with pytest.raises(ValueError, match="late"):
        await begun


async def test_a_cancellation_reaches_the_work() -> None:
    cancelled = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    begun = begin(work())
    assert begun is not None

    async def wait() -> None:
        await begun

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert cancelled.is_set()


async def wait_for(future: asyncio.Future[None], log: list[str]) -> None:
    log.append("begun")
    try:
        await future
        await future  # which is there by now: it does not wait again
        log.append("done")
    finally:
        log.append("ended")


async def test_what_goes_on_aside_tells_when_it_ends() -> None:
    log: list[str] = []
    future = asyncio.get_running_loop().create_future()
    aside = Aside(wait_for(future, log), lambda: log.append("told"))
    assert log == []  # it begins when this task waits
    await asyncio.sleep(0)
    assert log == ["begun"]
    future.set_result(None)
    await asyncio.sleep(0)
    assert log == ["begun", "done", "ended", "told"]
    aside.close()
    assert log.count("ended") == 1


@pytest.mark.parametrize("has_begun", [False, True])
async def test_what_goes_on_aside_ends_at_once_when_it_is_closed(*, has_begun: bool) -> None:
    log: list[str] = []
    future = asyncio.get_running_loop().create_future()
    aside = Aside(wait_for(future, log), lambda: log.append("told"))
    if has_begun:
        await asyncio.sleep(0)
    aside.close()
    future.set_result(None)
    for _ in range(3):
        await asyncio.sleep(0)
    assert log == (["begun", "ended"] if has_begun else [])


async def test_what_goes_on_aside_may_wait_many_times() -> None:
    log: list[str] = []
    queue = asyncio.Queue[int]()

    async def take_three() -> None:
        log.extend([str(await queue.get()) for _ in range(3)])

    _ = Aside(take_three(), lambda: log.append("told"))
    for number in range(3):
        await asyncio.sleep(0)
        queue.put_nowait(number)
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert log == ["0", "1", "2", "told"]


async def test_what_goes_on_aside_is_not_resumed_once_it_is_closed() -> None:
    faults: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: faults.append(context))
    future = loop.create_future()
    aside = Aside(wait_for(future, []), lambda: None)
    await asyncio.sleep(0)
    aside.close()
    future.set_result(None)
    for _ in range(3):
        await asyncio.sleep(0)
    assert faults == []


@pytest.mark.parametrize("turns", [0, 1])
async def test_what_goes_on_aside_tells_also_of_an_end_by_a_fault(turns: int) -> None:
    told = asyncio.Event()

    async def fail() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        raise KeyError("k")

    _ = Aside(fail(), told.set)
    await asyncio.wait_for(told.wait(), 10)
