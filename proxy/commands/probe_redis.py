"""Tries the Redis that processes share: keeps a value and reads it back."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass

from proxy.commands.probing import ProbeError, Step, climb
from proxy.state.redis_store import RedisFailed, RedisRefused, RedisStore


@dataclass(frozen=True, slots=True)
class RedisProbe:
    store: RedisStore

    def steps(self) -> tuple[Step, ...]:
        return (Step("Redis keeps what requests share", self._keep),)

    async def _keep(self) -> str:
        address = self.store.address
        try:
            await self.store.prove()
        except RedisRefused as error:
            raise ProbeError(f"{address} does not keep it: {error}.") from error
        except RedisFailed as error:
            raise ProbeError(
                f"{address} cannot be used: {error}. Check RAG_PROXY_REDIS_URL and this machine's "
                "way to it."
            ) from error
        return address


async def complaints(url: str) -> list[str]:
    """The fault of a Redis, in a line; None if it keeps a value."""
    async with aclosing(RedisStore(url)) as store:
        found = [finding async for finding in climb(RedisProbe(store).steps())]
    return [f"Redis: {each.detail}" for each in found if each.verdict == "FAIL"]
