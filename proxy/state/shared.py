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
class Shared(Generic[T]):
    """Results by name, which must say everything that they depend on.

    With a `ttl_s` of 0 nothing is shared. A failure goes to all who wait for it, and is not kept.
    """

    store: Store
    ttl_s: float
    _making: dict[str, asyncio.Future[T]] = field(default_factory=dict)

    async def get(
        self, name: str, make: Callable[[], Awaitable[bytes]], read: Callable[[bytes], T]
    ) -> T:
        """What `read` makes of the bytes that are kept or, if there are none, of what `make` gets.

        Raises what `make` and `read` raise. Whoever asks first makes the result, and no task of its
        own is needed for it; if that is cancelled, one of those who wait begins anew.
        """
        if not self.ttl_s:
            return read(await make())
        while made := self._making.get(name):
            await asyncio.wait((made,))
            if not made.cancelled():
                try:
                    return made.result()
                finally:
                    del made  # what it raises refers to this frame
        made = self._making[name] = asyncio.get_running_loop().create_future()
        try:
            made.set_result(await self._kept_or_made(name, make, read))
        except Exception as fault:  # noqa: BLE001 - raised below, and by all who wait
            made.set_exception(fault)
        finally:
            del self._making[name]
            made.cancel()  # unless it is there
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
                pass  # of another version: it is made anew, and replaced
        made = await make()
        result = read(made)
        await self.store.write(name, made, self.ttl_s)
        return result
