"""Structured concurrency without exception groups: tasks never outlive the block they serve."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

T = TypeVar("T")

Behind = asyncio.Future[None] | None
"""What a receiver returns when it takes something in: the future of its catching up, or None.

The sender sends nothing more until the future is done. If it fails or is cancelled, the exchange
ends. The future belongs to the receiver: nobody else cancels it.
"""


class TaskScope:
    """Starts tasks for a block. When the block ends, the scope cancels the rest and waits for them.

    Awaiting a task raises its own exception. asyncio.TaskGroup would raise an exception group, even
    for an exception of the block itself, and every caller would have to take it apart.
    """

    __slots__ = ("_context", "_tasks")

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[Any]] = []
        # A callback of a connection may start a task, and runs in the context of the request that
        # opened the connection.
        self._context = contextvars.copy_context()

    async def __aenter__(self) -> Self:
        return self

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task that does `work`. Whoever needs its result awaits it."""
        task = asyncio.get_running_loop().create_task(work, context=self._context)
        self._tasks.append(task)
        return task

    async def finish(self, task: asyncio.Task[T]) -> T:
        """The result of one of the tasks. The scope then forgets the task."""
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
    """Whether the task has ended. Asking also keeps asyncio from reporting its exception."""
    has_ended = task.done()
    if has_ended and not task.cancelled():
        task.exception()
    return has_ended
