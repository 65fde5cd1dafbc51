"""The models of one answer: if one cannot answer a round, the next one does.

An answer that has moved on stays with its model. A round that the client may have heard a part of
does not move: nobody can take words back. A first chunk that only opens the stream is no such part,
so it is held until the model says something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from proxy.core.frames import Hear, TextChunk, says_something
from proxy.core.ports import Rounds
from proxy.core.wire import ChatRequest, Chunk
from proxy.errors import (
    CircuitOpen,
    ModelNotFound,
    ProxyError,
    QueueTimeout,
    RateLimited,
    UpstreamError,
    UpstreamRejected,
)
from proxy.tasks import Behind

_WITHDRAWN: Final = frozenset({"status_404", "status_410"})


@dataclass(slots=True)
class Fallback:
    """Asks `upstream` for one answer. `models` are never none; the first is the request's own."""

    upstream: Rounds
    models: Sequence[str]
    _at: int = field(init=False, default=0)
    """Which of the models answers."""

    @property
    def name(self) -> str:
        return self.upstream.name

    @property
    def moved_to(self) -> str:
        """The model that answers in place of the first one; "" while that one does."""
        return self.models[self._at] if self._at else ""

    async def require(self, model: str) -> None:  # noqa: ARG002  # the first of the models
        """Return if one of the models answers. Raises ProxyError if none does."""
        await self._with_any(lambda: self.upstream.require(self.models[self._at]), lambda: False)

    async def ask(self, body: ChatRequest, hear: Hear) -> None:
        """As `Rounds.ask`, of the models that are left."""
        if len(self.models) == 1:
            asking = self.upstream.ask(body, hear)
            del body, hear  # a long stream should not hold them
            await asking
            return
        round_ = _Round(hear)
        await self._with_any(
            lambda: self.upstream.ask(
                {**body, "model": self.models[self._at]}, round_.of(self.moved_to)
            ),
            lambda: round_.is_heard,
        )
        if (behind := round_.end()) is not None:
            await asyncio.shield(behind)  # the receiver owns it

    async def _with_any(
        self, attempt: Callable[[], Awaitable[None]], is_heard: Callable[[], bool]
    ) -> None:
        """Make attempts, each with the next model, until one goes well. Raises ProxyError."""
        failures: list[ProxyError] = []
        while True:
            try:
                await attempt()
            except ProxyError as error:
                if is_heard():
                    raise
                failures.append(error.with_traceback(None))  # which refers to this frame
            else:
                return
            if may_move(failures[-1]) and self._at + 1 < len(self.models):
                self._at += 1
                continue
            try:
                raise _most_hopeful(failures)
            finally:
                failures.clear()  # its traceback refers to this frame


def _most_hopeful(failures: Sequence[ProxyError]) -> ProxyError:
    """The failure to tell: one that passes, if there is one, rather than that of a wrong name.

    If the proxy has tried one of the models again, the client should not do so by itself.
    """
    told = failures[-1]
    if may_move(told):
        told = next((each for each in failures if each.retryable or each.has_outlasted), told)
    if any(each.has_outlasted for each in failures):
        told.outlast()
    return told


def may_move(error: ProxyError) -> bool:
    """Whether another model may answer what this one did not.

    Not if the request is at fault, and not if the model may be at work on it.
    """
    if isinstance(error, (ModelNotFound, RateLimited, CircuitOpen)):
        return True
    if isinstance(error, QueueTimeout):
        return error.is_of_model
    if isinstance(error, UpstreamRejected):
        return error.param == "model"
    return isinstance(error, UpstreamError) and (
        error.is_refused or error.cause.startswith("status_5") or error.cause in _WITHDRAWN
    )


class _Round:
    """Holds the chunks of a round until one says something."""

    __slots__ = ("_hear", "_held", "_moved_to", "is_heard")

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._moved_to = ""
        self._held: list[Chunk | TextChunk] = []
        self.is_heard = False

    def of(self, moved_to: str) -> Hear:
        """What the model `moved_to` is heard by; "" is the first one."""
        self._moved_to = moved_to
        self._held = []
        return self._take

    def _take(self, chunks: list[Chunk | TextChunk]) -> Behind:
        if self.is_heard:
            return self._hear(chunks)
        if self._held and chunks and _id_of(self._held[0]) != _id_of(chunks[0]):
            self._held = []  # the round has begun again
        self._held += chunks
        return self._tell() if any(map(says_something, chunks)) else None

    def end(self) -> Behind:
        """The round has ended well, though perhaps without a word."""
        return self._tell() if self._held else None

    def _tell(self) -> Behind:
        self.is_heard = True
        held, self._held = self._held, []
        if self._moved_to:
            held = [_named(each, self._moved_to) for each in held]
        return self._hear(held)


def _named(chunk: Chunk | TextChunk, model: str) -> Chunk | TextChunk:
    """The chunk with a model: a client learns who answers even if the upstream does not say so."""
    top = chunk.frame.top if isinstance(chunk, TextChunk) else chunk
    if top.get("model"):
        return chunk
    whole = chunk.whole() if isinstance(chunk, TextChunk) else chunk
    whole["model"] = model
    return whole


def _id_of(chunk: Chunk | TextChunk) -> object:
    top = chunk.frame.top if isinstance(chunk, TextChunk) else chunk
    return top.get("id")
