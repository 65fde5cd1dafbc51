"""The routes of the API: which surface answers at which path, and what its limits count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from starlette.routing import Route

from proxy.core.inflight import InFlight
from proxy.state.responses import StoredResponses
from proxy.surfaces.answers import Answers
from proxy.surfaces.health import Health, Ready
from proxy.surfaces.limited import AllLimits, Limited
from proxy.surfaces.models import ModelList, Models, OneModel
from proxy.surfaces.passthrough import Passthrough
from proxy.surfaces.store_routes import routes_of_stores
from proxy.surfaces.stored_responses import routes_of
from proxy.surfaces.stores import Stores
from proxy.surfaces.usage import UsageOfKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Surfaces:
    """What answers the requests of clients."""

    chat: Answers
    responses: Answers
    stored: StoredResponses
    embeddings: Passthrough
    ranking: Passthrough
    models: Models
    usage: UsageOfKey
    stores: Stores
    ready: Ready


def routes_of_api(surfaces: Surfaces, limits: AllLimits, inflight: InFlight) -> Iterable[Route]:
    """In the order in which a list of them tells them."""
    limited = partial(Limited, limits=limits)
    passed = partial(limited, has_documents=False)
    usage = limited(surfaces.usage, makes_answers=False)
    yield Route("/chat/completions", limited(surfaces.chat), methods=["POST"])
    yield Route("/responses", limited(surfaces.responses), methods=["POST"])
    yield from routes_of(surfaces.stored, limits, inflight)
    yield Route("/embeddings", passed(surfaces.embeddings), methods=["POST"])
    yield Route("/rerank", passed(surfaces.ranking), methods=["POST"])
    yield Route("/models", ModelList(surfaces.models), methods=["GET"])
    yield Route("/models/{model:path}", OneModel(surfaces.models), methods=["GET"])
    yield Route("/usage", usage, methods=["GET"])
    yield from routes_of_stores(surfaces.stores, limits)
    yield Route("/health", Health(), methods=["GET"])
    yield Route("/ready", surfaces.ready, methods=["GET"])
