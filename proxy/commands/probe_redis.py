"""Tries the Redis that processes share: keeps a value and reads it back."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.commands.probing import ProbeError, Step
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
