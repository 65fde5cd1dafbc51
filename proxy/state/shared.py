"""Results that requests share: made once at a time for all who ask, then kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from proxy.errors import ProxyError
from proxy.state.store import Store

T = TypeVar("T")


@dataclass(slots=True)
class _Flight(Generic[T]):
    """A result that is being made, and how many wait for it."""

    task: asyncio.Task[T]
    waiting: int = 0


@dataclass(slots=True)
class Shared(Generic[T]):
    """Results by name, which must say everything that they depend on.

    With a `ttl_s` of 0 nothing is shared. A failure goes to all who wait for it, and is not kept.
    """

    store: Store
    ttl_s: float
    _flights: dict[str, _Flight[T]] = field(default_factory=dict)

    async def get(
        self, name: str, make: Callable[[], Awaitable[bytes]], read: Callable[[bytes], T]
    ) -> T:
        """What `read` makes of the bytes that are kept or, if there are none, of what `make` gets.

        Raises what `make` and `read` raise. What is being made goes on until nobody waits for it.
        """
        if not self.ttl_s:
            return read(await make())
        flight = self._flights.get(name)
        if flight is None:
            flight = self._flights[name] = _Flight(
                asyncio.get_running_loop().create_task(self._kept_or_made(name, make, read))
            )
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                await self._land(name, flight)

    async def _land(self, name: str, flight: _Flight[T]) -> None:
        """Nobody waits any more: whoever asks next begins anew."""
        if self._flights.get(name) is flight:
            del self._flights[name]
        if not flight.task.done():
            flight.task.cancel()
            await asyncio.gather(flight.task, return_exceptions=True)

    async def _kept_or_made(
        self, name: str, make: Callable[[], Awaitable[bytes]], read: Callable[[bytes], T]
    ) -> T:
        kept: dict[str, Any] = await self.store.read((name,))
        if name in kept:
            try:
                return read(kept[name])
            except ProxyError:
                pass  # written by something else: it is made anew, and replaced
        made = await make()
        result = read(made)
        await self.store.write(name, made, self.ttl_s)
        return result
