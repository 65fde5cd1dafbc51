"""Scaleway's Generative APIs: one model round as a stream of chunks.

A reply without a stream becomes one chunk, so that the rest of the proxy knows one path only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import ClassVar

import orjson

from proxy.core.frames import Hear
from proxy.core.inflight import Hold
from proxy.core.trace import Headers
from proxy.core.wire import ChatRequest
from proxy.errors import UpstreamError
from proxy.upstreams.http.causes import SILENT
from proxy.upstreams.http.endpoint import Endpoint
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.scaleway.admitted import AdmittedModels
from proxy.upstreams.scaleway.events import RoundReply
from proxy.upstreams.scaleway.models import ScalewayModels
from proxy.upstreams.scaleway.quirks import fit_request
from proxy.upstreams.scaleway.replies import idle, read_completion


@dataclass(slots=True)
class Scaleway:
    """The model upstream."""

    endpoint: Endpoint
    vendor: Vendor
    models: ScalewayModels
    drop_params: frozenset[str]
    """Request parameters that clients send although Scaleway does not support them."""
    idle_s: float
    """How long a round may say nothing, in seconds."""
    told: Callable[[str, Mapping[str, str]], None] = lambda *_: None
    """Gets the headers of each reply, with the name of the model that was asked."""
    moved_to: ClassVar = ""  # it asks the model that it is told to
    _admitted: AdmittedModels = field(init=False)

    def __post_init__(self) -> None:
        self._admitted = AdmittedModels(self.models, self._complete, self.models.ttl_s)

    async def require(self, model: str) -> None:
        """Return if `model` answers. To find out, it may have to ask it. Raises ProxyError."""
        await self._admitted.require(model)

    @property
    def name(self) -> str:
        return self.vendor.name

    async def ask(self, body: ChatRequest, hear: Hear, more: Headers = ()) -> None:
        """Run one model round: `body` is an OpenAI request, and `hear` gets its chunks.

        Whether `body` asks to stream decides how the chunks arrive. `more` are headers of this
        request alone. Raises ProxyError.
        """
        with self.endpoint.inflight.hold() as held:
            asking = self._ask(body, hear, held, more)
            del body  # a long stream need not hold it
            await asking

    async def _ask(self, body: ChatRequest, hear: Hear, held: Hold, more: Headers) -> None:
        model = body["model"]
        reply = RoundReply(self.vendor, hear, self.idle_s, partial(self.told, model), held)
        push = self.endpoint.push(
            "POST",
            "/chat/completions",
            reply,
            body=orjson.dumps(fit_request(body, self.drop_params)),
            more=more,
        )
        del body  # the same
        try:
            await push
        except UpstreamError as error:
            if not reply.is_complete:
                if error.cause == SILENT:
                    raise idle(self.vendor, self.idle_s) from error
                raise
        if reply.status != HTTPStatus.OK:
            raise await self.models.error_of(reply, model)
        if not reply.is_stream:
            behind = hear([read_completion(self.vendor, reply.body)])
            if behind is not None:
                await asyncio.shield(behind)  # the receiver owns it

    async def _complete(self, body: ChatRequest) -> None:
        await self.ask(body, lambda _: None)
