"""What makes an API of answers: how it reads a request, and how it tells an answer.

`proxy.surfaces.answers` does all the rest, and is the same for every API. Both ways to tell an
answer hear the same chunks of one completion, so all clients get the same answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from proxy.access.clients import Client
from proxy.core.chat import Chat
from proxy.core.effort import Effort
from proxy.core.frames import TextChunk
from proxy.core.hidden import HiddenTool, Job, Outcome
from proxy.core.inflight import Hold
from proxy.core.listener import Listener
from proxy.core.plan import Plan, Policy
from proxy.core.wire import Chunk
from proxy.core.writer import CompletionWriter
from proxy.errors import ProxyError


class Events(Protocol):
    """Tells a streamed answer: server-sent events for everything that happens, b"" for none."""

    @property
    def writer(self) -> CompletionWriter: ...

    def of_chunks(self, chunks: Sequence[Chunk | TextChunk]) -> bytes: ...

    def of_begin(self, tool: HiddenTool, job: Job) -> bytes:
        """A hidden tool begins a job."""

    def of_end(self, tool: HiddenTool, job: Job, outcome: Outcome) -> bytes:
        """A job has ended."""

    def heartbeat(self) -> bytes:
        """A sign of life that every client survives."""

    def finish(self) -> Awaitable[bytes]:
        """The last of a complete answer."""

    def fail(self, error: ProxyError) -> Awaitable[bytes]:
        """The last of a stream that an error ends."""


class Reply(Listener, Protocol):
    """Hears an answer, and tells it whole."""

    @property
    def writer(self) -> CompletionWriter: ...

    def finish(self) -> Awaitable[object]:
        """The JSON of the reply, once all has been heard."""


class Asked(Protocol):
    """One request of an API, read."""

    @property
    def chat(self) -> Chat: ...

    def tools(
        self, tools: tuple[HiddenTool, ...], policy: Policy, effort: Effort
    ) -> tuple[HiddenTool, ...]:
        """The hidden tools as its answer has them. Raises ProxyError for what is not open to it."""

    def events(self, plan: Plan) -> Events:
        """How its answer is told as a stream."""

    def reply(self, plan: Plan) -> Reply:
        """How its answer is told whole."""


class Api(Protocol):
    """One of OpenAI's APIs of answers."""

    def read(
        self, document: object, client: Client, hidden: AbstractSet[str], held: Hold
    ) -> Awaitable[Asked]:
        """The request in `document`, which is decoded JSON. Raises ProxyError.

        `hidden` holds the names of the proxy's own tools, and `held` counts what the request takes.
        """
