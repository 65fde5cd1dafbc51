"""Heartbeats: what keeps the connection of a client that waits open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Self


class Heartbeats:
    """Beats whenever one is due, as long as the context lasts. Between beats there is no task."""

    __slots__ = ("_beat", "_beating", "_due", "_loop", "_timer")

    def __init__(
        self, beat: Callable[[], Coroutine[Any, Any, None]], due: Callable[[], float]
    ) -> None:
        """`due` is when, by the event loop's clock, if nothing else is sent until then."""
        self._loop = asyncio.get_running_loop()
        self._beat = beat
        self._due = due
        self._beating: asyncio.Task[None] | None = None
        self._timer = self._loop.call_at(due(), self._look)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)

    def _look(self) -> None:
        due = self._due()
        if due > self._loop.time():
            self._timer = self._loop.call_at(due, self._look)
        else:
            self._beating = self._loop.create_task(self._beat_once())

    async def _beat_once(self) -> None:
        await self._beat()
        self._timer = self._loop.call_at(self._due(), self._look)
