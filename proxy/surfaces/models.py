"""GET /v1/models and /v1/models/{id}: the profiles, and the upstream's own models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.types import Receive, Scope, Send

from proxy.access.grants import Grant
from proxy.core.wire import Model
from proxy.errors import ModelNotFound
from proxy.settings.model_names import ModelNames
from proxy.surfaces.disconnect import while_connected
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.replies import JSONReply


class ModelSource(Protocol):
    """Knows the models of an upstream. Raises UpstreamError."""

    async def all(self) -> Sequence[Model]: ...


@dataclass(frozen=True, slots=True)
class Models:
    """The names that a client may use as `model`: see `ModelNames`."""

    names: ModelNames
    upstream: ModelSource

    async def all(self, grant: Grant) -> list[Model]:
        """Raises UpstreamError, unless the client may use no model of the upstream's."""
        profiles = [_profile(name) for name in self.names.profiles_of(grant)]
        if grant.models == frozenset():
            return profiles
        models = await self.upstream.all()
        return [*profiles, *(each for each in models if self.names.shows(each["id"], grant))]

    async def get(self, model_id: str, grant: Grant) -> Model:
        """The model with this id. Raises ModelNotFound, or UpstreamError if there is no list."""
        try:
            if self.names.is_profile(model_id, grant):
                return _profile(model_id)
        except ModelNotFound:
            if grant.profiles is not None and grant.models is None:
                await self.upstream.all()  # a name that is nowhere is looked for there, too
            raise
        for model in await self.upstream.all():
            if model["id"] == model_id:
                return model
        raise ModelNotFound.of(model_id)


@dataclass(frozen=True, slots=True)
class ModelList:
    models: Models

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await while_connected(receive, self._reply(scope, receive, send))

    async def _reply(self, scope: Scope, receive: Receive, send: Send) -> None:
        grant = exchange_of(scope).client.allowed
        reply = JSONReply({"object": "list", "data": await self.models.all(grant)})
        await reply(scope, receive, send)


@dataclass(frozen=True, slots=True)
class OneModel:
    models: Models

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await while_connected(receive, self._reply(scope, receive, send))

    async def _reply(self, scope: Scope, receive: Receive, send: Send) -> None:
        grant = exchange_of(scope).client.allowed
        model = await self.models.get(scope["path_params"]["model"], grant)
        await JSONReply(model)(scope, receive, send)


def _profile(name: str) -> Model:
    return {"id": name, "object": "model", "created": 0, "owned_by": "rag-proxy"}
