"""GET /v1/models and /v1/models/{id}: the profiles, and the upstream's own models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.types import Receive, Scope, Send

from proxy.core.lookalikes import Names
from proxy.core.wire import Model
from proxy.errors import ModelNotFound
from proxy.settings.policies import refuse_nearly
from proxy.surfaces.disconnect import while_connected
from proxy.surfaces.replies import JSONReply


class ModelSource(Protocol):
    """Knows the models of an upstream. Raises UpstreamError."""

    async def all(self) -> Sequence[Model]: ...


@dataclass(frozen=True, slots=True)
class Models:
    """The names that a client may use as `model`. A profile hides models with nearly its name."""

    profile_names: Names
    upstream: ModelSource

    async def all(self) -> list[Model]:
        models = await self.upstream.all()
        return [*map(_profile, self.profile_names), *(each for each in models if self._shows(each))]

    def _shows(self, model: Model) -> bool:
        id_ = model["id"]
        return id_ not in self.profile_names and self.profile_names.nearly(id_) is None

    async def get(self, model_id: str) -> Model:
        """The model with this id. Raises ModelNotFound, or UpstreamError if there is no list."""
        if model_id in self.profile_names:
            return _profile(model_id)
        refuse_nearly(model_id, self.profile_names)
        for model in await self.upstream.all():
            if model["id"] == model_id:
                return model
        raise ModelNotFound(
            f"The model {model_id!r} does not exist. GET /v1/models lists those that do.",
            param="model",
        )


@dataclass(frozen=True, slots=True)
class ModelList:
    models: Models

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await while_connected(receive, self._reply(scope, receive, send))

    async def _reply(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = JSONReply({"object": "list", "data": await self.models.all()})
        await reply(scope, receive, send)


@dataclass(frozen=True, slots=True)
class OneModel:
    models: Models

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await while_connected(receive, self._reply(scope, receive, send))

    async def _reply(self, scope: Scope, receive: Receive, send: Send) -> None:
        model = await self.models.get(scope["path_params"]["model"])
        await JSONReply(model)(scope, receive, send)


def _profile(name: str) -> Model:
    return {"id": name, "object": "model", "created": 0, "owned_by": "rag-proxy"}
