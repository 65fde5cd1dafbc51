"""What an answer needs from the world outside: who runs model rounds, and who keeps turns."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

from proxy.core.frames import Hear
from proxy.core.kept import KeptTurn
from proxy.core.wire import ChatRequest


class Rounds(Protocol):
    """Runs model rounds: an OpenAI request in, chunks out."""

    @property
    def name(self) -> str:
        """The upstream's name, as users know it."""

    def require(self, model: str) -> Awaitable[None]:
        """Return if `model` answers. Raises ProxyError if it does not."""

    def ask(self, body: ChatRequest, hear: Hear) -> Awaitable[None]:
        """Push the chunks of a round into `hear` as they arrive. Returns when the round ends."""


class ModelUpstream(Rounds, Protocol):
    """Runs the rounds of one answer, perhaps by another model than the one that is asked for."""

    @property
    def moved_to(self) -> str:
        """The model that answers in place of the one that is asked for; "" if none does."""


class TurnKeeper(Protocol):
    """Keeps the hidden parts of one client's answers. A missing one is no error."""

    def recall(self, handles: Sequence[str]) -> Awaitable[Mapping[str, KeptTurn]]: ...

    def keep(self, handle: str, turn: KeptTurn) -> Awaitable[None]: ...
