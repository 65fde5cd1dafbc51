"""A model upstream whose rounds wait for their turn, if the model is asked by many.

It stands outside the breaker, and looks at it first:

- A model that keeps failing fails at once, however long the queue is. If it begins to fail while
  requests for it wait, each of them fails when its turn comes, and gives its slot back at once.
- A probe is a request that is sent. Inside the breaker, a request that waits would be the probe,
  and all others would be refused because of one that nobody has sent yet.

It stands inside the retries, so a request that waits for its next attempt holds no slot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from proxy.access.clients import Client
from proxy.access.fair_queue import Ticket
from proxy.core.effort import Effort
from proxy.core.frames import Hear
from proxy.core.ports import Rounds
from proxy.core.wire import ChatRequest
from proxy.upstreams.model.model_queue import ModelQueue


@dataclass(slots=True)
class Queued:
    """The rounds of one answer, each in a slot of `queue` until it has ended."""

    rounds: Rounds
    queue: ModelQueue
    client: Client
    effort: Effort
    check: Callable[[str], None]
    """Raises ProxyError if the model would not be asked."""
    _has_begun: bool = field(init=False, default=False)
    """Whether a round has ended well, so that the next one goes first."""

    @property
    def name(self) -> str:
        return self.rounds.name

    async def require(self, model: str) -> None:
        """As `Rounds.require`. It does not wait: it hardly ever asks the model."""
        await self.rounds.require(model)

    async def ask(self, body: ChatRequest, hear: Hear) -> None:
        """As `Rounds.ask`. Raises QueueFull and QueueTimeout, too."""
        model = body["model"]
        self.check(model)
        client = self.client
        person = None if client.person is None else client.person.name
        ticket = Ticket(client.of_key, person, model, client.grant.weight, self._has_begun)
        if not self.queue.enter(ticket):
            await self._wait(ticket)
        try:
            asking = self.rounds.ask(body, hear)
            del body, hear  # a long stream should not hold them
            await asking
        finally:
            self.queue.leave(ticket)
        self._has_begun = True

    async def _wait(self, ticket: Ticket) -> None:
        """Wait for a slot. All attempts at the first round share one time to wait."""
        queue, timeline = self.queue, self.effort.timeline
        now, within_s = queue.clock(), queue.rules.timeout_s
        if not ticket.is_further:
            within_s -= timeline.before_first_s(now)
        wait = timeline.wait(now, is_first=not ticket.is_further)
        try:
            await queue.wait(ticket, within_s)
        finally:
            wait.ended = queue.clock()
