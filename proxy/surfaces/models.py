"""GET /v1/models and /v1/models/{id}: the profiles, and the upstream's own models."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from proxy.errors import ModelNotFound
from proxy.surfaces.disconnect import while_connected
from proxy.surfaces.replies import JSONReply
from proxy.upstreams.scaleway_models import Model, ScalewayModels


@dataclass(frozen=True, slots=True)
class Models:
    """What a client may name as `model`. A profile hides an upstream model of the same id."""

    profile_names: tuple[str, ...]
    upstream: ScalewayModels

    async def all(self) -> list[Model]:
        profiles = [_profile(name) for name in self.profile_names]
        models = await self.upstream.all()
        hidden = frozenset(self.profile_names)
        return [*profiles, *(each for each in models if each["id"] not in hidden)]

    async def get(self, model_id: str) -> Model:
        """The model of this id. Raises ModelNotFound, or UpstreamError if there is no list."""
        if model_id in self.profile_names:
            return _profile(model_id)
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
