"""Models that Scaleway serves although its list does not name them.

A model past its end of life leaves the list, but its successor still answers to its name. Only a
question shows whether a model does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from proxy.core.wire import ChatRequest, Message
from proxy.errors import ModelNotFound, ProxyError, UpstreamError, UpstreamRejected
from proxy.upstreams.scaleway.models import ScalewayModels

_LIST_PATIENCE_S: Final = 2.0
"""How long a request waits for the list, in seconds. Then it asks the model itself."""
_MOST_REMEMBERED: Final = 1_000
_LONGEST_REMEMBERED: Final = 500
"""Clients choose ids. So the proxy remembers this many, each of at most this many characters."""

_log = logging.getLogger(__name__)


class _Verdict(NamedTuple):
    refusal: ProxyError | None
    """Why the model does not answer; None if it does."""
    until: float
    """When to ask it again, by the event loop's clock."""


@dataclass(slots=True)
class AdmittedModels:
    """Tells whether a model answers. One on the list does; any other is asked for one token.

    The outcome holds for `ttl_s` seconds. All requests that wait for it share one question.
    """

    models: ScalewayModels
    complete: Callable[[ChatRequest], Awaitable[object]]
    """Gets the whole reply to a chat request. Raises ProxyError."""
    ttl_s: float
    _verdicts: dict[str, _Verdict] = field(init=False, default_factory=dict)
    _asking: dict[str, asyncio.Future[None]] = field(init=False, default_factory=dict)

    async def require(self, model: str) -> None:
        """Return if `model` answers. Raises a ProxyError that says why it does not."""
        if self._is_remembered(model) or await self._is_listed(model):
            return None
        while asked := self._asking.get(model):
            await asyncio.wait((asked,))
            if not asked.cancelled():  # else the asker is gone, and a waiting request asks
                return asked.result()
        asked = self._asking[model] = asyncio.get_running_loop().create_future()
        try:
            await self._ask(model)
            asked.set_result(None)
        except ProxyError as refusal:
            asked.set_exception(refusal)
            asked.exception()  # counts it as seen, even if nobody waits
            raise
        finally:
            del self._asking[model]
            asked.cancel()  # without effect once it has an outcome

    def _is_remembered(self, model: str) -> bool:
        """Whether `model` is known to answer. Raises the refusal if it is known not to."""
        verdict = self._verdicts.get(model)
        if verdict is None or verdict.until <= asyncio.get_running_loop().time():
            return False
        if verdict.refusal is not None:
            raise verdict.refusal.again()
        return True

    async def _is_listed(self, model: str) -> bool:
        try:
            async with asyncio.timeout(_LIST_PATIENCE_S):
                return any(each["id"] == model for each in await self.models.all())
        except (UpstreamError, TimeoutError):
            return False

    async def _ask(self, model: str) -> None:
        question: list[Message] = [{"role": "user", "content": "Hello"}]
        try:
            await self.complete({"model": model, "messages": question, "max_tokens": 1})
        except (ModelNotFound, UpstreamRejected) as refusal:
            self._remember(model, refusal.again())
            raise
        _log.info("The model %s is not on the list, but it answers.", ascii(model))
        self._remember(model, None)

    def _remember(self, model: str, refusal: ProxyError | None) -> None:
        self._verdicts.pop(model, None)
        if len(model) > _LONGEST_REMEMBERED:
            return
        if len(self._verdicts) >= _MOST_REMEMBERED:
            del self._verdicts[next(iter(self._verdicts))]
        until = asyncio.get_running_loop().time() + self.ttl_s
        self._verdicts[model] = _Verdict(refusal, until)
