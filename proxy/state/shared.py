"""Results that requests share: one request makes a result for all, and the store keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from proxy.errors import ProxyError
from proxy.state.store import Store

T = TypeVar("T")


@dataclass(slots=True)
class Shared(Generic[T]):
    """Results by name. A name must cover everything that its result depends on.

    With a `ttl_s` of 0 nothing is shared. All waiting callers get a failure; the store does not.
    """

    store: Store
    ttl_s: float
    _making: dict[str, asyncio.Future[T]] = field(default_factory=dict)

    async def get(
        self, name: str, make: Callable[[], Awaitable[bytes]], read: Callable[[bytes], T]
    ) -> T:
        """The result that `read` parses from the kept bytes or, if there are none, from `make`'s.

        Raises the errors of `make` and `read`. The first caller makes the result itself, without a
        new task; if it is cancelled, one of the waiting callers starts again.
        """
        if not self.ttl_s:
            return read(await make())
        while made := self._making.get(name):
            await asyncio.wait((made,))
            if not made.cancelled():
                try:
                    return made.result()
                finally:
                    del made  # its exception refers to this frame
        made = self._making[name] = asyncio.get_running_loop().create_future()
        try:
            made.set_result(await self._kept_or_made(name, make, read))
        except Exception as fault:  # noqa: BLE001 - raised below, and in all waiting callers
            made.set_exception(fault)
        finally:
            del self._making[name]
            made.cancel()  # no effect if it has a result
        try:
            return made.result()
        finally:
            del made  # as above

    async def _kept_or_made(
        self, name: str, make: Callable[[], Awaitable[bytes]], read: Callable[[bytes], T]
    ) -> T:
        kept: dict[str, Any] = await self.store.read((name,))
        if name in kept:
            try:
                return read(kept[name])
            except ProxyError:
                pass  # another version wrote it: make it again, and replace it
        made = await make()
        result = read(made)
        await self.store.write(name, made, self.ttl_s)
        return result
