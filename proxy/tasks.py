"""Structured concurrency without exception groups: tasks never outlive the block they serve.

Theory of operation:

A block of code, such as the answer to a request, starts tasks for what goes on beside it: searches
while the model still speaks, or the watch for a client that hangs up. `TaskScope` ties these tasks
to the block.

- Whoever needs the result of a task awaits the task, and there gets its exception. An exception
  that nobody awaits is dropped, because nothing depends on that task any more.
- The block can end in three ways: it returns, it raises, or it is cancelled. In each case the scope
  cancels the tasks that still run, and waits until they have cleaned up. So a search for a client
  that has gone ends before the request does, and gives its connection back.
- The scope itself raises nothing. What leaves the block is the block's own exception.

Tokens do not pass through tasks. Plain calls push them from one socket to the other, and none of
these calls can wait. A receiver that cannot take more says so by what it returns: see `Behind`.

Work that takes long is done in `Steps`, so that the event loop can do other work in between.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine, Generator
from typing import Any, Self, TypeVar

T = TypeVar("T")

Behind = asyncio.Future[None] | None
"""What a receiver returns when it takes something in: None, or a future that is done when it has
caught up.

The sender sends nothing more until the future is done. If it fails or is cancelled, the exchange
ends. The future belongs to the receiver: nobody else cancels it.
"""

Steps = Generator[None, None, T]
"""Work that pauses every few milliseconds, and returns its result."""


async def taking_turns(steps: Steps[T]) -> T:
    """The result of work that lets the event loop do other work whenever it pauses."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        await asyncio.sleep(0)


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
        # First settle the tasks that have ended: to cancel them would do nothing, and asyncio would
        # report the exceptions that nobody awaited.
        pending = [task for task in self._tasks if not _has_ended(task)]
        # Cancel all before waiting for any, so that they clean up side by side.
        for task in pending:
            task.cancel()
        if pending:
            # Not `gather`: if the block is cancelled once more while it waits here, `gather` would
            # cancel the tasks a second time, in the middle of their cleaning up.
            await asyncio.wait(pending)
            for task in pending:
                _has_ended(task)


def _has_ended(task: asyncio.Task[Any]) -> bool:
    """Whether the task has ended. Asking also keeps asyncio from reporting its exception."""
    has_ended = task.done()
    if has_ended and not task.cancelled():
        task.exception()
    return has_ended
