"""GET /health: the process is up. GET /ready: both upstreams answer, and the server goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Protocol

from starlette.types import Receive, Scope, Send

from proxy.errors import UpstreamError
from proxy.surfaces.replies import JSONReply

STOPPING: Final = "rag_proxy.stopping"
"""In the state that a server gives each request: whether it has been told to stop."""
_TIMEOUT_S: Final = 5.0
_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


class Probed(Protocol):
    """An upstream that the probe can ask for something. Raises UpstreamError."""

    name: str

    async def request(
        self, method: str, path: str, *, timeout_s: float, within_s: float
    ) -> object: ...


class Health:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await JSONReply({"status": "ok"})(scope, receive, send)


@dataclass(slots=True)
class Ready:
    """Whether the upstreams answer HTTP at all. Any answer counts, and none costs anything.

    A server that stops is not ready, and asks no upstream.
    """

    probes: tuple[tuple[Probed, str], ...]
    """Each upstream with a path that costs nothing to GET."""
    ttl_s: float
    _state: dict[str, str] = field(init=False, default_factory=dict)
    _checked_at: float = field(init=False, default=float("-inf"))
    _checking: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("state", _NONE).get(STOPPING):
            await JSONReply({"status": "stopping"}, status_code=503)(scope, receive, send)
            return
        state = await self._fresh_state()
        is_ready = all(each == "ok" for each in state.values())
        body: dict[str, Any] = {"status": "ok" if is_ready else "unavailable", "upstreams": state}
        await JSONReply(body, status_code=200 if is_ready else 503)(scope, receive, send)

    async def _fresh_state(self) -> dict[str, str]:
        async with self._checking:
            now = asyncio.get_running_loop().time()
            if now - self._checked_at > self.ttl_s:
                states = await asyncio.gather(*(_probe(*probe) for probe in self.probes))
                names = (endpoint.name for endpoint, _ in self.probes)
                self._state = dict(zip(names, states, strict=True))
                self._checked_at = asyncio.get_running_loop().time()
            return self._state


async def _probe(endpoint: Probed, path: str) -> str:
    """`ok`, or why the upstream does not answer."""
    try:
        await endpoint.request("GET", path, timeout_s=_TIMEOUT_S, within_s=_TIMEOUT_S)
    except UpstreamError as error:
        return error.message
    return "ok"
