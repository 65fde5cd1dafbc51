"""POST /v1/responses: an API of answers, see `proxy.surfaces.api`.

What it adds to chat is memory: a request may go on from a stored response, and its own is stored
before the client learns that it is complete, or has failed. A request that is answered by an error
has no response, and no id to ask for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from proxy.access.clients import Client
from proxy.core.chat import Chat
from proxy.core.effort import Effort
from proxy.core.frames import TextChunk
from proxy.core.hidden import HiddenTool, Job, Outcome
from proxy.core.inflight import BODY_COST, Hold
from proxy.core.plan import Plan, Policy
from proxy.core.responses.encoded import Encoder
from proxy.core.responses.file_search import ScopeOf
from proxy.core.responses.ids import Ids
from proxy.core.responses.manner import Manner
from proxy.core.responses.objects import Facts
from proxy.core.responses.request import ResponsesRequest, read_request
from proxy.core.responses.wire import Item, ResponseObject
from proxy.core.responses.writer import ResponseWriter
from proxy.core.scope import Scope
from proxy.core.wire import Chunk
from proxy.core.wish import Wishes
from proxy.core.writer import CompletionWriter
from proxy.errors import ProxyError
from proxy.state.responses import ClientResponses, Conversation, Stored, StoredResponses
from proxy.surfaces.hosted_search import HostedSearch, hosted
from proxy.surfaces.stores import Stores

ScopeIn = Callable[[Mapping[str, object]], Scope | None]
"""The scope that has an `identity`; None if it can be read no more."""


@dataclass(frozen=True, slots=True)
class ResponsesApi:
    """POST /v1/responses."""

    wishes: Wishes
    scope_of: ScopeOf
    scope_in: ScopeIn
    stored: StoredResponses
    stores: Stores

    async def read(
        self, document: object, client: Client, hidden: AbstractSet[str], held: Hold
    ) -> ResponsesAsked:
        """Raises ProxyError, PreviousNotFound among them."""
        ids = Ids(os.urandom(16).hex())
        request = read_request(document, self.wishes, hidden, self.scope_of, ids.mint)
        responses = self.stored.of(client)
        earlier = Conversation()

        def hold(size: int) -> None:
            held.take(size * BODY_COST)

        if request.previous is not None:
            earlier = await responses.history(request.previous, hold)
        found = await responses.items(request.references, hold)
        scopes = tuple(filter(None, map(self.scope_in, earlier.scopes)))
        chat = request.chat(earlier.items, found)._replace(earlier=scopes)
        items = request.items(earlier.items, found)
        return ResponsesAsked(chat, request, items, ids, responses, self.stores)


@dataclass(frozen=True, slots=True)
class ResponsesAsked:
    """A request, with all that it goes on from."""

    chat: Chat
    request: ResponsesRequest
    items: tuple[Item, ...]
    ids: Ids
    responses: ClientResponses
    stores: Stores

    def tools(
        self, tools: tuple[HiddenTool, ...], policy: Policy, effort: Effort
    ) -> tuple[HiddenTool, ...]:
        asked, stores = self.request.file_search, self.stores
        if asked is None:
            return tools
        documents = stores.documents_of(self.responses.client, effort)
        in_full = Manner.of(self.request).has_results
        return hosted(tools, policy, HostedSearch(asked, documents, stores.terms, in_full))

    def events(self, plan: Plan) -> ResponseStream:
        return ResponseStream(self._making(plan))

    def reply(self, plan: Plan) -> ResponseReply:
        return ResponseReply(self._making(plan))

    def _making(self, plan: Plan) -> Making:
        now, model = int(time.time()), plan.policy.model
        writer = CompletionWriter(
            id=self.ids.response, created=now, model=model, include_usage=True
        )
        response = ResponseWriter(
            Facts(self.ids.response, now, model, self.request.echo),
            Manner.of(self.request),
            self.ids.mint,
            writer.cites,
        )
        return Making(writer, response, self, plan.scope)

    async def keep(self, response: ResponseObject, searched: Scope) -> None:
        """Store the response, unless its client wants it not to be."""
        if self.request.store:
            previous, model = self.request.previous, self.chat.model
            stored = Stored(response, self.items, previous, model, searched.identity)
            await self.responses.keep(stored)


@dataclass(frozen=True, slots=True)
class Making:
    """A response that is being made."""

    writer: CompletionWriter
    response: ResponseWriter
    asked: ResponsesAsked
    searched: Scope

    async def keep(self) -> None:
        await self.asked.keep(self.response.response, self.searched)


class ResponseStream:
    """Tells a response as events."""

    def __init__(self, making: Making) -> None:
        self.writer = making.writer
        self._making = making
        self._response = making.response
        self._encode = Encoder().encode
        self._last = b""
        """The end of an answer, until it is told."""

    def of_chunks(self, chunks: Sequence[Chunk | TextChunk]) -> bytes:
        return self._encode(self._response.hear(chunks))

    def of_begin(self, tool: HiddenTool, job: Job) -> bytes:
        return self._encode(self._response.begin(tool, job))

    def of_end(self, tool: HiddenTool, job: Job, outcome: Outcome) -> bytes:
        return self._encode(self._response.end(tool, job, outcome))

    def heartbeat(self) -> bytes:
        return self._encode(self._response.heartbeat())

    async def finish(self) -> bytes:
        self._last = self._encode(self._response.finish(int(time.time())))
        await self._making.keep()
        return self._last

    async def fail(self, error: ProxyError) -> bytes:
        """The answer may be whole by then, and only the store slow: then it has not failed."""
        if not self._last:
            self._last = self._encode(self._response.fail(error))
            await self._making.keep()
        return self._last


class ResponseReply:
    """Tells a response whole."""

    def __init__(self, making: Making) -> None:
        self.writer = making.writer
        self._making = making
        self._response = making.response

    def hear(self, chunks: Sequence[Chunk | TextChunk]) -> None:
        self._response.hear(chunks)

    def begin(self, tool: HiddenTool, job: Job) -> None:
        self._response.begin(tool, job)

    def end(self, tool: HiddenTool, job: Job, outcome: Outcome) -> None:
        self._response.end(tool, job, outcome)

    async def finish(self) -> ResponseObject:
        self._response.finish(int(time.time()))
        await self._making.keep()
        return self._response.response
