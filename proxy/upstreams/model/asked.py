"""What stands between an answer and the model's vendor: each wraps another, see `proxy.app`.

They know no vendor. The engine asks the outermost one: see its `ModelUpstream`.
"""

from __future__ import annotations

from typing import Protocol

from proxy.core.frames import Hear
from proxy.core.wire import ChatRequest


class Asked(Protocol):
    """Runs model rounds: see `ModelUpstream` in the engine. Raises ProxyError."""

    @property
    def name(self) -> str: ...

    async def require(self, model: str) -> None: ...

    async def ask(self, body: ChatRequest, hear: Hear) -> None: ...
