"""Scaleway's Generative APIs: one model round as a stream of chunks.

A reply that is not streamed becomes a stream of one chunk, so that there is one path behind it.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson

from proxy.core.chat import Chunk
from proxy.core.frames import TakeText, TextChunk
from proxy.errors import ModelNotFound, ProxyError, UpstreamError
from proxy.upstreams.http import Endpoint, Reply
from proxy.upstreams.scaleway_events import Events
from proxy.upstreams.scaleway_models import ScalewayModels
from proxy.upstreams.scaleway_quirks import fit_request
from proxy.upstreams.scaleway_replies import read_completion, read_error
from proxy.upstreams.status import Vendor

_DRAIN_S: Final = 0.5
_PERHAPS_UNKNOWN_MODEL: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)


@dataclass(frozen=True, slots=True)
class Scaleway:
    """The model upstream."""

    endpoint: Endpoint
    vendor: Vendor
    models: ScalewayModels
    drop_params: frozenset[str]
    """Request parameters that Scaleway does not support and clients send all the same."""
    timeout_s: float

    async def stream(
        self, body: Mapping[str, Any], take: TakeText | None = None
    ) -> AsyncGenerator[list[Chunk | TextChunk], None]:
        """The chunks of one model round, as many at a time as arrived together.

        `body` is an OpenAI request; whether it asks to stream decides how the chunks arrive. While
        the generator is awaited, `take` is offered each chunk of text that arrives alone, and one
        that it takes is not given here. Close the generator to end the request. Raises ProxyError.
        """
        async with self.endpoint.request(
            "POST",
            "/chat/completions",
            body=orjson.dumps(fit_request(body, self.drop_params)),
            timeout_s=self.timeout_s,
        ) as reply:
            if reply.status != HTTPStatus.OK:
                raise await self._error(reply, str(body["model"]))
            if not reply.is_event_stream:
                yield [read_completion(self.vendor, await reply.read())]
                return
            events = Events(self.vendor)
            if take is not None:
                reply.offer(functools.partial(events.hand_on, take))
            async with aclosing(reply.parts()) as parts:
                async for part in parts:
                    if chunks := events.feed(part):
                        yield chunks
                    if events.fault:
                        raise events.fault
                    if events.is_over:
                        await _drain(parts)
                        return

    async def _error(self, reply: Reply, model: str) -> ProxyError:
        error = read_error(self.vendor, reply.status, await reply.read(), reply.headers)
        may_be_model = reply.status in _PERHAPS_UNKNOWN_MODEL and error.param in (None, "model")
        if may_be_model and await self.models.surely_lacks(model):
            return ModelNotFound(
                f"The model {model!r} does not exist. GET /v1/models lists those that do.",
                param="model",
            )
        return error


async def _drain(parts: AsyncIterator[bytes]) -> None:
    """Read what follows [DONE], a few bytes at most, so that the connection can be used again."""
    with suppress(TimeoutError, UpstreamError):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in parts:
                pass
