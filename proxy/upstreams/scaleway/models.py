"""The models that Scaleway serves. The list is the vendor's own: nothing here pins a model."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, cast

from proxy.core.wire import Model
from proxy.errors import BadReply, ModelNotFound, ProxyError, UpstreamError
from proxy.upstreams.http.causes import SHAPE
from proxy.upstreams.http.endpoint import Endpoint, Reply
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.scaleway.replies import NAME, decode, read_error

_TIMEOUT_S: Final = 30.0
_PERHAPS_UNKNOWN_MODEL: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)


@dataclass(slots=True)
class ScalewayModels:
    """The list of models. Asks for it at most once in `ttl_s` seconds, and once at a time."""

    endpoint: Endpoint
    vendor: Vendor
    ttl_s: float
    _models: tuple[Model, ...] = field(init=False, default=())
    _failure: UpstreamError | None = field(init=False, default=None)
    """Why there is no list yet."""
    _answered_at: float = field(init=False, default=float("-inf"))
    """When the last answer came, a list or a failure."""
    _fetching: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    async def all(self) -> tuple[Model, ...]:
        """The models; the last known ones if the upstream fails. Raises UpstreamError."""
        now = asyncio.get_running_loop().time()
        async with self._fetching:
            has_waited = self._answered_at > now
            is_old = self._failure is not None or now - self._answered_at > self.ttl_s
            if is_old and not has_waited:
                await self._refresh()
            if self._failure is not None:
                raise self._failure.with_traceback(None)  # each raise would add to it
            return self._models

    async def surely_lacks(self, model: str) -> bool:
        """Whether there is a list, and `model` is not on it."""
        try:
            return all(each["id"] != model for each in await self.all())
        except UpstreamError:
            return False

    async def error_of(self, reply: Reply, model: str) -> ProxyError:
        """The error of a reply with an error status, to a request for `model`."""
        error = read_error(self.vendor, reply.status, reply.body, reply.headers)
        may_be_model = reply.status in _PERHAPS_UNKNOWN_MODEL and error.param in (None, "model")
        if may_be_model and await self.surely_lacks(model):
            return ModelNotFound.of(model)
        return error

    async def _refresh(self) -> None:
        """Ask, and keep the list or, for all requests that wait, the failure."""
        try:
            self._models = await self._fetch()
            self._failure = None
        except UpstreamError as failure:
            self._failure = None if self._models else failure
        self._answered_at = asyncio.get_running_loop().time()

    async def _fetch(self) -> tuple[Model, ...]:
        reply = await self.endpoint.request("GET", "/models", timeout_s=_TIMEOUT_S)
        if reply.status != HTTPStatus.OK:
            raise read_error(self.vendor, reply.status, reply.body, reply.headers)
        document = decode(reply.body)
        items = document.get("data") if isinstance(document, dict) else None
        if not isinstance(items, list):
            raise BadReply(NAME, f"{NAME} sent a list of models that cannot be read.", cause=SHAPE)
        return tuple(_model(each) for each in items if isinstance(each, dict) and each.get("id"))


def _model(item: Mapping[str, object]) -> Model:
    """A model object with every field OpenAI's schema demands."""
    created = item.get("created")
    model = {
        **item,
        "id": str(item["id"]),
        "object": "model",
        "created": created if isinstance(created, int) else 0,
        "owned_by": str(item.get("owned_by") or "scaleway"),
    }
    return cast("Model", model)
