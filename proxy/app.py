"""The composition root: settings in, ASGI application out. This module wires everything, once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from pydantic import SecretStr
from starlette.middleware import Middleware
from starlette.routing import Route

from proxy.access.keys import KeyRing
from proxy.access.loopback import LOOPBACK_ORIGIN
from proxy.core.addresses import HostRule
from proxy.core.names import SEARCH_COUNT
from proxy.core.search_tool import SearchTool, SearchUpstream
from proxy.settings import Settings
from proxy.settings.policies import Policies
from proxy.state.shared import Shared
from proxy.state.store import Store, make_store
from proxy.state.turns import KeptTurns
from proxy.surfaces.application import Application
from proxy.surfaces.chat import ChatCompletions
from proxy.surfaces.cors import CORS
from proxy.surfaces.health import Health, Ready
from proxy.surfaces.middleware import Admission, Paths, Requests
from proxy.surfaces.models import ModelList, Models, OneModel
from proxy.surfaces.replies import ErrorReplies
from proxy.surfaces.usage import UsageOfKey
from proxy.tasks import TaskScope
from proxy.telemetry.prices import Prices
from proxy.telemetry.usage_file import Usage, UsageFile
from proxy.telemetry.usage_record import UsageRecords
from proxy.upstreams.http.endpoint import Endpoint, Transport
from proxy.upstreams.http.outbound import Outbound
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.http.warmth import keep_warm
from proxy.upstreams.lighton import search as lighton
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.search import LightOn
from proxy.upstreams.lighton.wish import WISHES
from proxy.upstreams.scaleway import replies as scaleway_replies
from proxy.upstreams.scaleway.client import Scaleway
from proxy.upstreams.scaleway.models import ScalewayModels

Probes = tuple[tuple[Endpoint, str], ...]
_EXPOSED_HEADERS: Final = ("x-request-id", SEARCH_COUNT.lower())


def create_app(
    settings: Settings, outbound: Outbound | Transport | httpx.AsyncBaseTransport | None = None
) -> Application:
    """The proxy. `outbound` carries the upstream requests; by default they go direct.

    Raises EmptyScope for a profile that allows nothing of what the settings allow, and
    SettingsError for certificates that the proxy cannot use.
    """
    if not isinstance(outbound, Outbound):
        outbound = Outbound.over(outbound) if outbound else Outbound.of(settings, {})
    whose = _whose_documents(settings)
    fences = hashlib.sha256(b"words of fences\0" + whose).digest()
    seal = hashlib.sha256(b"seal of what is kept\0" + whose).digest()
    store = make_store(_secret(settings.redis_url) or None, settings.state_max_bytes, seal)
    upstreams = make_upstreams(settings, outbound, store)
    policies = Policies(settings, LightOnScope)
    turns = KeptTurns(store, settings.turns_ttl_s, realm=hashlib.sha256(whose).hexdigest())
    tools = (_search_tool(upstreams.search, settings),)
    chat = ChatCompletions(settings, policies, upstreams.model, tools, WISHES, turns, fences)
    models = Models(policies.profile_names, upstreams.models)
    usage = _usage(settings)

    return Application(
        routes=[
            Route("/chat/completions", chat, methods=["POST"]),
            Route("/models", ModelList(models), methods=["GET"]),
            Route("/models/{model:path}", OneModel(models), methods=["GET"]),
            Route("/usage", UsageOfKey(usage), methods=["GET"]),
            Route("/health", Health(), methods=["GET"]),
            Route("/ready", Ready(upstreams.probes, settings.ready_ttl_s), methods=["GET"]),
        ],
        middleware=_middleware(settings, usage),
        redirect_slashes=False,
        lifespan=_lifespan(upstreams.probes, settings.keep_warm_s, outbound, store, usage),
    )


def _lifespan(
    probes: Probes, keep_warm_s: float, outbound: Outbound, store: Store, usage: Usage | None
) -> Callable[[Application], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: Application) -> AsyncIterator[None]:
        async with TaskScope() as tasks:
            if keep_warm_s:
                _ = tasks.start(keep_warm(probes, keep_warm_s))
            yield
        await outbound.aclose()
        await store.aclose()
        if usage is not None:
            await asyncio.to_thread(usage.file.close)

    return lifespan


@dataclass(frozen=True, slots=True)
class Upstreams:
    """The clients of both upstreams."""

    model: Scaleway
    models: ScalewayModels
    search: LightOn

    @property
    def probes(self) -> Probes:
        """Each upstream with a path that costs nothing to GET."""
        return (self.search.endpoint, "/"), (self.model.endpoint, "/models")


def make_upstreams(settings: Settings, outbound: Outbound, store: Store) -> Upstreams:
    """Clients for the upstreams that `settings` name. They share search results through `store`."""

    def endpoint(name: str, base_url: str, key: str, transport: Transport) -> Endpoint:
        return Endpoint(name, base_url, key, transport, settings.connect_timeout_s)

    def vendor(name: str, credentials: str, key: str) -> Vendor:
        return Vendor(name, credentials, settings.retry_after_s, key)

    key = _secret(settings.scaleway_api_key)
    scaleway = endpoint(scaleway_replies.NAME, settings.scaleway_base_url, key, outbound.model)
    scaleway_vendor = vendor(scaleway_replies.NAME, scaleway_replies.CREDENTIALS, key)
    models = ScalewayModels(scaleway, scaleway_vendor, settings.models_ttl_s)
    model = Scaleway(
        scaleway,
        scaleway_vendor,
        models,
        drop_params=frozenset(settings.drop_params),
        timeout_s=settings.model_timeout_s,
    )
    key = _secret(settings.lighton_api_key)
    search = LightOn(
        endpoint(lighton.NAME, settings.lighton_base_url, key, outbound.search),
        vendor(lighton.NAME, lighton.CREDENTIALS, key),
        timeout_s=settings.search_timeout_s,
        shared=Shared(store, settings.search_cache_ttl),
        hosts=HostRule.of(settings.citation_hosts),
    )
    return Upstreams(model, models, search)


def _search_tool(upstream: SearchUpstream, settings: Settings) -> SearchTool:
    text = settings.search_instructions
    return SearchTool(upstream) if text is None else SearchTool(upstream, text)


def _usage(settings: Settings) -> Usage | None:
    if settings.usage_file is None:
        return None
    prices = Prices() if settings.prices is None else settings.prices.prices
    records = UsageRecords(prices, settings.profiles, settings.default_model)
    return Usage(UsageFile(Path(settings.usage_file)), records)


def _middleware(settings: Settings, usage: Usage | None) -> list[Middleware]:
    """Outermost first. CORS encloses the rendering of errors, so that pages can read them."""
    names = f"names of client keys\0{_secret(settings.scaleway_api_key)}\0".encode()
    keys = KeyRing(map(_secret, settings.api_keys), secret=names + _whose_documents(settings))
    origins = settings.cors_origins
    if origins is None:
        origins = () if keys.is_open else ("*",)
    cors = Middleware(
        CORS,
        allow_origins=origins,
        allow_origin_regex=LOOPBACK_ORIGIN if settings.cors_origins is None else None,
        allow_methods=("GET", "POST"),
        allow_headers=("*",),
        expose_headers=_EXPOSED_HEADERS,
    )
    return [
        Middleware(Requests, usage=usage),
        cors,
        Middleware(ErrorReplies),
        Middleware(Paths),
        Middleware(
            Admission,
            keys=keys,
            origins=frozenset(settings.cors_origins or ()),
            allow_forwarded=settings.allow_forwarded,
        ),
    ]


def _whose_documents(settings: Settings) -> bytes:
    """Tells apart the proxies that share a Redis. It holds a key: only hashes of it may leave."""
    return f"{settings.lighton_base_url}\0{_secret(settings.lighton_api_key)}".encode()


def _secret(value: SecretStr | None) -> str:
    return "" if value is None else value.get_secret_value()
