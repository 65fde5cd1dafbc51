"""Structured concurrency without exception groups: tasks never outlive the block they serve."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

T = TypeVar("T")

Behind = asyncio.Future[None] | None
"""What whoever is pushed to gives back: nothing more comes before it is done.

That it fails or is cancelled ends the exchange. It belongs to the receiver: nobody else cancels it.
"""


class TaskScope:
    """Starts tasks for a block; those still running when it ends are cancelled, and waited for.

    A task's exception is raised where the task is awaited, as itself. asyncio.TaskGroup would raise
    an exception group, also for an exception of the block, and every caller would take it apart.
    """

    __slots__ = ("_context", "_tasks")

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[Any]] = []
        # A task may be started by what arrives on a connection, whose callbacks run in the context
        # of the request that opened it.
        self._context = contextvars.copy_context()

    async def __aenter__(self) -> Self:
        return self

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task that does `work`; whoever needs its result awaits it."""
        task = asyncio.get_running_loop().create_task(work, context=self._context)
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
