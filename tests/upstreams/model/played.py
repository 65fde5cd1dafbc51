"""A model upstream that fails as it is told to, and else says one word."""

from __future__ import annotations

import asyncio
import copy
from collections import defaultdict
from typing import Any, Final

from proxy.core.frames import Hear
from proxy.core.wire import ChatRequest, Chunk
from proxy.errors import Overloaded, ProxyError

FULL: Final = Overloaded("Scaleway", "Full.", cause="status_503")


def asking(model: str) -> ChatRequest:
    return {"model": model, "messages": [{"role": "user", "content": "Hi"}]}


def saying(delta: dict[str, Any], **more: Any) -> Chunk:
    chunk: Any = {"choices": [{"index": 0, "delta": delta, **more}]}
    return chunk  # type: ignore[no-any-return]  # a chunk of the test


class Played:
    name = "Scaleway"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.required: list[str] = []
        self.gate: asyncio.Event | None = None
        """What is awaited after the first words."""
        self.opening: list[Any] = []
        """What comes before a failure."""
        self._faults = defaultdict[str, list[ProxyError]](list)

    def will(self, model: str, *faults: ProxyError) -> None:
        """`model` fails with these, one after the other."""
        self._faults[model] += faults

    async def require(self, model: str) -> None:
        self.required.append(model)
        self._fail(model)

    async def ask(self, body: ChatRequest, hear: Hear) -> None:
        model = body["model"]
        self.asked.append(model)
        if self.opening:
            hear([copy.copy(each) for each in self.opening])
        self._fail(model)
        hear([saying({"content": model})])
        if self.gate is not None:
            await self.gate.wait()
        hear([saying({}, finish_reason="stop")])

    def _fail(self, model: str) -> None:
        if self._faults[model]:
            raise self._faults[model].pop(0).again()
