"""Structured concurrency without exception groups: tasks never outlive the block they serve."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")
Start = Callable[[Coroutine[Any, Any, T]], "asyncio.Task[T]"]
"""Starts a task; whoever needs its result awaits it."""


@asynccontextmanager
async def task_scope() -> AsyncIterator[Start[Any]]:
    """Give a function that starts tasks; those still running when the block ends are cancelled.

    A task's exception is raised where the task is awaited, as itself. asyncio.TaskGroup would raise
    an exception group, also for an exception of the block, and every caller would take it apart.
    """
    running: set[asyncio.Task[Any]] = set()

    def start(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        running.add(task)
        return task

    try:
        yield start
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
