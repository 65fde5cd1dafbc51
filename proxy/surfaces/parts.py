"""Parts that an application shares with the one that follows it.

Theory of operation:

An application is made from settings. When others are to hold, another one is made beside it, while
the first goes on with what it has begun. What both need is made once: a part says what it is made
of, and whoever asks for a part that is made of the same gets the one that is there. So a part
follows the settings without a line that says how: where they differ, it is another one.

Each application gives back what it had when its last request is over. A part that nobody has any
more is closed. Its job, if it has one, runs from when it is made, or from `begin` on, until then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from proxy.tasks import TaskScope

T = TypeVar("T")
Job = Callable[[T], Coroutine[Any, Any, None]]
Close = Callable[[T], Awaitable[None]]


@dataclass(slots=True, eq=False)
class _Part(Generic[T]):
    make: Callable[..., T]
    arguments: tuple[object, ...]
    value: T
    job: Job[T] | None
    close: Close[T] | None
    holders: int = 0
    task: asyncio.Task[None] | None = None

    async def end(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait((self.task,))
        if self.close is not None:
            await self.close(self.value)


class Parts:
    """All parts of the applications that follow each other."""

    def __init__(self) -> None:
        self._alive: list[_Part[Any]] = []
        self._tasks: TaskScope | None = None

    def __len__(self) -> int:
        return len(self._alive)

    def begin(self, tasks: TaskScope) -> None:
        """Start the jobs of parts, and from now on those of new parts."""
        self._tasks = tasks
        for part in self._alive:
            self._start(part)

    async def aclose(self) -> None:
        """Close all parts. Those that were made last, and may use others, come first."""
        self._tasks = None
        while self._alive:
            await self._alive.pop().end()

    def _take(
        self,
        make: Callable[..., T],
        arguments: tuple[object, ...],
        job: Job[T] | None,
        close: Close[T] | None,
    ) -> _Part[T]:
        for known in self._alive:
            if known.make == make and known.arguments == arguments:
                return known
        part = _Part(make, arguments, make(*arguments), job, close)
        self._alive.append(part)
        self._start(part)
        return part

    def _start(self, part: _Part[Any]) -> None:
        if self._tasks is not None and part.job is not None and part.task is None:
            part.task = self._tasks.start(part.job(part.value))

    def _drop(self, part: _Part[Any]) -> None:
        self._alive.remove(part)
        if self._tasks is not None:
            _ = self._tasks.start(part.end())


class Share:
    """The parts of one application."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._held: list[_Part[Any]] = []

    def of(
        self,
        make: Callable[..., T],
        *arguments: object,
        job: Job[T] | None = None,
        close: Close[T] | None = None,
    ) -> T:
        """`make(*arguments)`, or what it made before from equal arguments and is still in use."""
        part = self._parts._take(make, arguments, job, close)  # noqa: SLF001 - one mechanism
        part.holders += 1
        self._held.append(part)
        return part.value

    def give_back(self) -> None:
        """Let go of all parts, those first that were made last."""
        while self._held:
            part = self._held.pop()
            part.holders -= 1
            if not part.holders:
                self._parts._drop(part)  # noqa: SLF001 - as above
