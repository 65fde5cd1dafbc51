"""A model upstream that hears which trace the rounds of an answer belong to."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from proxy.core.frames import Hear
from proxy.core.ports import Rounds
from proxy.core.timeline import Timeline
from proxy.core.trace import Headers
from proxy.core.wire import ChatRequest


class TakesHeaders(Rounds, Protocol):
    def ask(self, body: ChatRequest, hear: Hear, more: Headers = ()) -> Awaitable[None]:
        """As `Rounds.ask`. `more` are headers of this request alone."""


@dataclass(frozen=True, slots=True)
class Traced:
    """The rounds of one answer. Each attempt at a round belongs to the round's span."""

    upstream: TakesHeaders
    timeline: Timeline

    @property
    def name(self) -> str:
        return self.upstream.name

    def require(self, model: str) -> Awaitable[None]:
        """As the model upstream's. What it asks is for all who wait, so it is in no trace."""
        return self.upstream.require(model)

    def ask(self, body: ChatRequest, hear: Hear) -> Awaitable[None]:
        return self.upstream.ask(body, hear, self.timeline.round_headers)
