"""A model upstream that does not ask a model which keeps failing."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.core.frames import Hear, TextChunk
from proxy.core.ports import Rounds
from proxy.core.wire import ChatRequest, Chunk
from proxy.errors import CircuitOpen, UpstreamError
from proxy.tasks import Behind
from proxy.upstreams.http.circuits import (
    Circuit,
    Circuits,
    OpenCircuitError,
    Passage,
    not_asked,
)


@dataclass(frozen=True, slots=True)
class Guarded:
    """Asks `upstream`, with a breaker for each model. A model that says something answers."""

    upstream: Rounds
    circuits: Circuits

    @property
    def name(self) -> str:
        return self.upstream.name

    def check(self, model: str) -> None:
        """Raise CircuitOpen if `model` would not be asked now."""
        try:
            self.circuits.check(_circuit(model))
        except OpenCircuitError as fault:
            raise self._not_asked(model, fault) from None

    async def require(self, model: str) -> None:
        """As `Rounds.require`. It is no probe: it asks the model only if it is not on the list."""
        self.check(model)
        await self.upstream.require(model)

    async def ask(self, body: ChatRequest, hear: Hear) -> None:
        model = body["model"]
        try:
            passage = self.circuits.enter(_circuit(model))
        except OpenCircuitError as fault:
            raise self._not_asked(model, fault) from None
        with passage:
            asking = self.upstream.ask(body, _noting(hear, passage) if passage.is_watched else hear)
            del body, hear  # a long stream should not hold them
            try:
                await asking
            except UpstreamError as error:
                passage.judge(error)
                raise
            passage.succeed()

    def _not_asked(self, model: str, fault: OpenCircuitError) -> CircuitOpen:
        return not_asked(self.name, f"{self.name}'s model {model!r}", fault)


def _circuit(model: str) -> Circuit:
    return Circuit("model", model)


def _noting(hear: Hear, passage: Passage) -> Hear:
    def heard(chunks: list[Chunk | TextChunk]) -> Behind:
        passage.succeed()
        return hear(chunks)

    return heard
