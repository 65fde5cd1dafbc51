"""Scaleway's Generative APIs: one model round as a stream of chunks.

A reply that is not streamed becomes a stream of one chunk, so that there is one path behind it.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Self

import orjson

from proxy.core.chat import Chunk
from proxy.core.frames import Take, TextChunk
from proxy.errors import ModelNotFound, ProxyError, UpstreamError
from proxy.upstreams.http import Endpoint, Reply
from proxy.upstreams.scaleway_admitted import AdmittedModels
from proxy.upstreams.scaleway_events import Events
from proxy.upstreams.scaleway_models import ScalewayModels
from proxy.upstreams.scaleway_quirks import fit_request
from proxy.upstreams.scaleway_replies import is_finished, read_completion, read_error
from proxy.upstreams.status import Vendor

_DRAIN_S: Final = 0.5
"""How long the end of a reply may take whose answer is complete, token counts and all."""
_USAGE_S: Final = 10.0
"""How long token counts are waited for behind the answer."""
_PERHAPS_UNKNOWN_MODEL: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)


@dataclass(slots=True)
class Scaleway:
    """The model upstream."""

    endpoint: Endpoint
    vendor: Vendor
    models: ScalewayModels
    drop_params: frozenset[str]
    """Request parameters that Scaleway does not support and clients send all the same."""
    timeout_s: float
    _admitted: AdmittedModels = field(init=False)

    def __post_init__(self) -> None:
        self._admitted = AdmittedModels(self.models, self._complete, self.models.ttl_s)

    async def require(self, model: str) -> None:
        """Return if `model` answers, which may have to be asked. Raises ProxyError."""
        await self._admitted.require(model)

    @property
    def name(self) -> str:
        return self.vendor.name

    def stream(self, body: Mapping[str, Any], take: Take | None = None) -> ModelStream:
        """The chunks of one model round, as many at a time as arrived together.

        `body` is an OpenAI request; whether it asks to stream decides how the chunks arrive. While
        the stream is awaited, `take` is offered each chunk of text that arrives alone, and one that
        it takes is not given here. Close the stream to end the request. Raises ProxyError.
        """
        return ModelStream(self, body, take)

    async def ask(self, body: Mapping[str, Any]) -> Reply:
        """The reply to a request, which is no error. Raises ProxyError."""
        reply = await self.endpoint.request(
            "POST",
            "/chat/completions",
            body=orjson.dumps(fit_request(body, self.drop_params)),
            timeout_s=self.timeout_s,
        )
        if reply.status != HTTPStatus.OK:
            async with reply:
                raise await self._error(reply, str(body["model"]))
        return reply

    async def _complete(self, body: Mapping[str, Any]) -> Chunk:
        async with await self.ask(body) as reply:
            return read_completion(self.vendor, await reply.read())

    async def _error(self, reply: Reply, model: str) -> ProxyError:
        error = read_error(self.vendor, reply.status, await reply.read(), reply.headers)
        may_be_model = reply.status in _PERHAPS_UNKNOWN_MODEL and error.param in (None, "model")
        if may_be_model and await self.models.surely_lacks(model):
            return ModelNotFound(
                f"The model {model!r} does not exist. GET /v1/models lists those that do.",
                param="model",
            )
        return error


class ModelStream:
    """The chunks of one model round, to be iterated once: see `Scaleway.stream`."""

    __slots__ = ("_body", "_ends_at", "_events", "_reply", "_take", "_upstream")

    def __init__(self, upstream: Scaleway, body: Mapping[str, Any], take: Take | None) -> None:
        self._upstream = upstream
        self._body: Mapping[str, Any] | None = body
        """What is still to be asked: a long stream need not hold it."""
        self._take = take
        self._reply: Reply | None = None
        self._events: Events | None = None
        self._ends_at = 0.0
        """When a complete answer ends at the latest, by the event loop's clock."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Chunk | TextChunk]:
        if self._body is not None:
            body, self._body = self._body, None
            self._reply = await self._upstream.ask(body)
            if not self._reply.is_event_stream:
                data = await self._reply.read(suffices=is_finished)
                return [read_completion(self._upstream.vendor, data)]
            self._events = self._read_events(self._reply)
        if self._reply is None or self._events is None:
            raise StopAsyncIteration
        return await self._next(self._reply, self._events)

    async def aclose(self) -> None:
        """End the request, if it has not ended."""
        reply, self._reply = self._reply, None
        if reply is not None:
            await reply.aclose()

    def _read_events(self, reply: Reply) -> Events:
        events = Events(self._upstream.vendor)
        if self._take is not None:
            reply.offer(functools.partial(events.hand_on, self._take))
        return events

    async def _next(self, reply: Reply, events: Events) -> list[Chunk | TextChunk]:
        while not (events.is_over or events.fault):
            part = await (self._last(reply, events) if events.has_finished else reply.part())
            if not part:
                break
            if chunks := events.feed(part):
                return chunks
        events.raise_fault()
        if events.is_over:
            await _drain(reply)
        raise StopAsyncIteration

    async def _last(self, reply: Reply, events: Events) -> bytes:
        """What comes behind the answer's end; b"" if nothing more need be waited for.

        A complete answer stays one: it waits a while for its token counts, hardly at all for
        [DONE], and a connection that breaks takes nothing away from it.
        """
        now = asyncio.get_running_loop().time()
        self._ends_at = self._ends_at or now + _USAGE_S
        ends_at = min(self._ends_at, now + _DRAIN_S) if events.has_usage else self._ends_at
        try:
            async with asyncio.timeout_at(ends_at):
                return await reply.part()
        except (TimeoutError, UpstreamError):
            return b""


async def _drain(reply: Reply) -> None:
    """Read what follows [DONE], a few bytes at most, so that the connection can be used again."""
    with suppress(TimeoutError, UpstreamError):
        async with asyncio.timeout(_DRAIN_S):
            while await reply.part():
                pass
