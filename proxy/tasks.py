"""Structured concurrency without exception groups: tasks never outlive the block they serve."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Self, TypeVar

T = TypeVar("T")


class TaskScope:
    """Starts tasks for a block; those still running when it ends are cancelled, and waited for.

    A task's exception is raised where the task is awaited, as itself. asyncio.TaskGroup would raise
    an exception group, also for an exception of the block, and every caller would take it apart.
    """

    __slots__ = ("_tasks",)

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[Any]] = []

    async def __aenter__(self) -> Self:
        return self

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task that does `work`; whoever needs its result awaits it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.append(task)
        return task

    async def finish(self, task: asyncio.Task[T]) -> T:
        """The result of one of the tasks, which is then let go of."""
        try:
            return await task
        finally:
            self._tasks.remove(task)

    async def __aexit__(self, *_: object) -> None:
        pending = [task for task in self._tasks if not _has_ended(task)]
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending)
            for task in pending:
                _has_ended(task)


def _has_ended(task: asyncio.Task[Any]) -> bool:
    """Whether it has; its exception, if nobody has awaited it, needs no mention any more."""
    has_ended = task.done()
    if has_ended and not task.cancelled():
        task.exception()
    return has_ended


class Aside:
    """Work that goes on beside a task, without a task of its own; `then` is called when it ends.

    What it raises ends it like a return. It must not ask for its task, as `asyncio.timeout` does. A
    task for it would cost 2 kB and two turns of the event loop, in each request.
    """

    __slots__ = ("_then", "_work")

    def __init__(self, work: Coroutine[Any, Any, object], then: Callable[[], None]) -> None:
        self._work: Coroutine[Any, Any, object] | None = work
        self._then = then
        asyncio.get_running_loop().call_soon(self._go_on)

    def close(self) -> None:
        """End it, if it has not ended; `then` is not called any more."""
        work, self._work = self._work, None
        if work is not None:
            work.close()

    def _go_on(self, _waited_for: object = None) -> None:
        if self._work is None:
            return
        try:
            waits_for = self._work.send(None)
        except (Exception, asyncio.CancelledError):  # noqa: BLE001 - StopIteration, or its fault
            self._work = None
            self._then()
            return
        if waits_for is None:  # as `asyncio.sleep(0)` does
            asyncio.get_running_loop().call_soon(self._go_on)
        else:
            waits_for.add_done_callback(self._go_on)


def begin(work: Awaitable[None]) -> Begun | None:
    """Run `work` at once up to where it has to wait; what is left of it, or None.

    What it raises is raised where the rest is awaited.
    """
    steps = work.__await__()
    try:
        waits_for = steps.send(None)
    except StopIteration:
        return None
    except Exception as fault:  # noqa: BLE001 - kept for whoever awaits
        return Begun(steps, fault=fault)
    return Begun(steps, waits_for)


class Begun:
    """The rest of what was begun where nothing can be awaited; awaiting this does it."""

    def __init__(
        self,
        steps: Generator[Any, Any, None],
        waits_for: Any = None,
        fault: Exception | None = None,
    ) -> None:
        self._steps = steps
        self._waits_for = waits_for
        self._fault = fault

    def __await__(self) -> Generator[Any, Any, None]:
        if self._fault is not None:
            try:
                raise self._fault
            finally:
                self._fault = None  # it refers to this object now
        resume: Callable[[Any], Any]
        while True:
            try:
                value = yield self._waits_for
            except BaseException as thrown:  # noqa: BLE001 - passed on, a cancellation above all
                resume, value = self._steps.throw, thrown
            else:
                resume = self._steps.send
            try:
                self._waits_for = resume(value)
            except StopIteration:
                return
