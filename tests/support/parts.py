"""The parts of an answer, played by hand: a model, a search, a keeper of turns and a listener."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from proxy.core.fold import Fold
from proxy.core.frames import Hear, TextChunk
from proxy.core.hidden import Found
from proxy.core.kept import KeptTurn
from proxy.core.listener import Unconcerned
from proxy.core.passages import Result
from proxy.core.scope import Scope
from proxy.core.search_tool import Search
from proxy.core.wire import ChatRequest, Chunk, Completion
from proxy.errors import ProxyError
from proxy.tasks import Behind
from tests.support.script import Round

LEAVE = Result("c1", "Leave is 27 days.", 0.9, 7, "Handbook", "h.pdf", "https://docs.test/h")


class Model:
    """Plays rounds chunk by chunk; `before` is awaited before the chunk of a given number."""

    name = "Scaleway"
    moved_to = ""

    def __init__(self, *rounds: Round) -> None:
        self._rounds = iter(rounds)
        self.asked: list[ChatRequest] = []
        self.gates: dict[int, asyncio.Event] = {}
        self.closed = asyncio.Event()
        self.sent = 0
        self.waits = asyncio.Event()
        """Set when a gate has been reached."""
        self.extra: dict[int, Chunk | TextChunk] = {}
        """What comes before the chunk of a given number."""
        self.required: list[str] = []
        """The models that were asked about before a search."""
        self.refusal: ProxyError | None = None

    async def require(self, model: str) -> None:
        self.required.append(model)
        if self.refusal is not None:
            raise self.refusal

    async def ask(self, body: ChatRequest, hear: Hear) -> None:
        self.asked.append(body)
        try:
            for place, chunk in enumerate(next(self._rounds).chunks()):
                if extra := self.extra.pop(place, None):
                    await self._push(extra, hear)
                if gate := self.gates.pop(place, None):
                    self.waits.set()
                    await gate.wait()
                await self._push(chunk, hear)
        finally:
            self.closed.set()

    async def _push(self, chunk: Chunk | TextChunk, hear: Hear) -> None:
        self.sent += 1
        behind = hear([chunk])
        if behind is not None:
            await behind


@dataclass(frozen=True)
class Played(Round):
    """A round whose text arrives in pieces, with thoughts under the name that the engine reads."""

    pieces: tuple[str, ...] = ()
    opens_with_role: bool = False
    """The role comes with the first piece."""

    def chunks(self, *_: Any, **__: Any) -> Any:
        whole = "".join(self.pieces)
        told = Round(whole or self.text, self.reasoning, self.calls, self.finish_reason)

        def cut(text: str) -> list[str]:
            return list(self.pieces) if whole and text == whole else [text]

        chunks = told.chunks(cut, role_apart=not self.opens_with_role)
        for chunk in chunks:
            for choice in chunk["choices"]:
                if thoughts := choice["delta"].pop("reasoning", None):
                    choice["delta"]["reasoning_content"] = thoughts
        return chunks


@dataclass
class Searcher:
    """Answers searches; holds them back while `gate` is not set."""

    name: ClassVar = "LightOn"
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    ran: list[Search] = field(default_factory=list)
    fault: Exception | None = None
    together: int = 1
    _barrier: asyncio.Barrier | None = None

    async def search(self, search: Search, scope: Scope) -> Found:  # noqa: ARG002  # the protocol
        self.ran.append(search)
        self.started.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if self._barrier is not None:
            await self._barrier.wait()
        if self.fault:
            raise self.fault
        return Found((LEAVE,))

    def expect_together(self, number: int) -> None:
        self._barrier = asyncio.Barrier(number)


@dataclass
class Turns:
    """Keeps turns; `heard_before` says what the client had heard by then."""

    kept: dict[str, KeptTurn] = field(default_factory=dict)
    listener: Listener | None = None
    heard_before: Completion = field(default_factory=Completion)

    async def recall(self, handles: Sequence[str]) -> Mapping[str, KeptTurn]:
        return {handle: self.kept[handle] for handle in handles if handle in self.kept}

    async def keep(self, handle: str, turn: KeptTurn) -> None:
        self.kept[handle] = turn
        if self.listener is not None:
            self.heard_before = self.listener.fold.completion()


@dataclass
class Listener(Unconcerned):
    """A client; it is behind while `gate` is not set."""

    fold: Fold = field(default_factory=Fold)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    framed: int = 0
    """The chunks of text that came in a frame."""

    def __post_init__(self) -> None:
        self.gate.set()

    def hear(self, chunks: Sequence[Chunk | TextChunk]) -> Behind:
        self.heard.set()
        self.framed += sum(isinstance(each, TextChunk) for each in chunks)
        self.fold.hear(chunks)
        return None if self.gate.is_set() else asyncio.ensure_future(self._catch_up())

    async def _catch_up(self) -> None:
        await self.gate.wait()


def open_searcher() -> Searcher:
    searcher = Searcher()
    searcher.gate.set()
    return searcher
