"""A request that is passed on, as a round of an answer.

What stands before a model, such as the queue and the breaker, knows rounds by their model alone. So
it stands before requests that are passed on, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.core.frames import Hear
from proxy.core.passed import Passed, PassesOn
from proxy.core.trace import Headers
from proxy.core.wire import ChatRequest


@dataclass(slots=True)
class PassedRound:
    """Passes `document` on. The round says nothing: what comes back is its `reply`."""

    upstream: PassesOn
    document: Mapping[str, object]
    more: Headers = ()
    """Headers of the request alone."""
    reply: Passed = field(init=False)
    """There is one once the round has ended well."""

    @property
    def name(self) -> str:
        return self.upstream.name

    async def require(self, model: str) -> None:
        """Nothing is to be done before the model is asked, so nobody need know if it answers."""

    async def ask(self, body: ChatRequest, hear: Hear) -> None:  # noqa: ARG002  # as above
        self.reply = await self.upstream.pass_on(self.document, self.more)
