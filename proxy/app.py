"""The composition root: settings in, ASGI application out. This module wires everything, once."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
from pydantic import SecretStr
from starlette.middleware import Middleware
from starlette.routing import Route

from proxy.access.clients import Client
from proxy.access.identity import Identities, ReadsTokens
from proxy.access.key_file import KeyFile
from proxy.access.keys import KeyRing
from proxy.access.loopback import LOOPBACK_ORIGIN
from proxy.access.refusals import LIMIT_HEADERS
from proxy.access.rules import Rules
from proxy.access.user_headers import UserHeaders
from proxy.access.watched_file import never_hung_up
from proxy.core.addresses import HostRule
from proxy.core.effort import Effort
from proxy.core.evidence.shelf import Shelf
from proxy.core.hidden import HiddenTool
from proxy.core.instructions import SEARCHING
from proxy.core.names import SEARCH_COUNT
from proxy.core.plan import Policy
from proxy.core.ports import ModelUpstream
from proxy.core.read_tool import ReadTool
from proxy.core.search_tool import SearchTool
from proxy.settings import Settings
from proxy.settings.access import rules_of
from proxy.settings.extras import require_extras
from proxy.settings.limits import limits_of_all, queue_rules_of
from proxy.settings.named_secrets import NO_SECRETS, NamedSecrets
from proxy.settings.policies import Policies
from proxy.settings.reloading import Origin, SettingsFile
from proxy.state.shared import Shared
from proxy.state.store import Store, make_counters, make_store
from proxy.state.turns import KeptTurns
from proxy.surfaces.application import Application
from proxy.surfaces.chat import ChatCompletions, ModelOf, ToolsOf
from proxy.surfaces.cors import CORS
from proxy.surfaces.health import Health, Ready
from proxy.surfaces.limited import AllLimits, Limited
from proxy.surfaces.middleware import Admission, Paths, Requests
from proxy.surfaces.models import ModelList, Models, OneModel
from proxy.surfaces.replies import ErrorReplies
from proxy.surfaces.usage import UsageOfKey
from proxy.tasks import TaskScope
from proxy.telemetry.audit_file import AuditFile
from proxy.telemetry.audit_record import Audit, AuditRecords
from proxy.telemetry.people import PeopleInRecords
from proxy.telemetry.prices import Prices
from proxy.telemetry.usage_file import Usage, UsageFile
from proxy.telemetry.usage_record import UsageRecords
from proxy.upstreams.http.breaker import BreakerRules
from proxy.upstreams.http.circuits import NEVER_OPEN, Circuits
from proxy.upstreams.http.endpoint import Endpoint, Transport
from proxy.upstreams.http.outbound import Outbound
from proxy.upstreams.http.retries import RetriedList, RetriedRounds, Retries
from proxy.upstreams.http.retry_policy import MODEL_STATUSES, SEARCH_STATUSES, RetryPolicy
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.http.warmth import keep_warm
from proxy.upstreams.lighton import replies as lighton_replies
from proxy.upstreams.lighton.clients import ClientSearches
from proxy.upstreams.lighton.files import LightOnFiles
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.search import LightOn
from proxy.upstreams.lighton.wish import WISHES
from proxy.upstreams.model.fallback import Fallback
from proxy.upstreams.model.guarded import Guarded
from proxy.upstreams.model.model_queue import ModelQueue, make_queue
from proxy.upstreams.model.queued import Queued
from proxy.upstreams.oidc.issuer import Issuer
from proxy.upstreams.scaleway import replies as scaleway_replies
from proxy.upstreams.scaleway.client import Scaleway
from proxy.upstreams.scaleway.models import ScalewayModels

Probes = tuple[tuple[Endpoint, str], ...]
_EXPOSED_HEADERS: Final = ("x-request-id", SEARCH_COUNT.lower(), "retry-after", *LIMIT_HEADERS)


def create_app(  # noqa: PLR0913 - callers pass few of them at a time
    settings: Settings,
    outbound: Outbound | Transport | httpx.AsyncBaseTransport | None = None,
    *,
    hang_ups: Callable[[], int] = never_hung_up,
    secrets: NamedSecrets = NO_SECRETS,
    keys: KeyRing | None = None,
    rules: Rules | None = None,
    origin: Origin | None = None,
) -> Application:
    """The proxy. `outbound` carries the upstream requests; by default they go direct.

    `hang_ups` counts the signals to read files again that may have changed. `secrets` are those
    that client keys name. `keys` tell who may ask, and `rules` what people may use; by default as
    the settings say. `origin` is where the settings come from, to follow changes of their file.

    Raises EmptyScope for a profile that allows nothing of what the settings allow, and
    SettingsError for certificates that the proxy cannot use.
    """
    if not isinstance(outbound, Outbound):
        outbound = Outbound.over(outbound) if outbound else Outbound.of(settings, {})
    whose = _whose_documents(settings)
    fences = hashlib.sha256(b"words of fences\0" + whose).digest()
    seal = hashlib.sha256(b"seal of what is kept\0" + whose).digest()
    circuits = Circuits(BreakerRules(settings.breaker_failures, settings.breaker_open_s))
    store = make_store(_secret(settings.redis_url) or None, settings.state_max_bytes, seal)
    upstreams = make_upstreams(settings, outbound.guarded(circuits), store, circuits)
    policies = Policies(settings, LightOnScope)
    realm = hashlib.sha256(whose).hexdigest()
    turns = KeptTurns(store, settings.turns_ttl_s, realm)
    counters = make_counters(store, settings.limits_without_redis)
    limits = AllLimits(counters, limits_of_all(settings), realm)
    tools = _tools(ClientSearches(upstreams.search, secrets.named), settings)
    of_model = _retry_policy(settings, settings.model_retries, MODEL_STATUSES)
    queue = make_queue(queue_rules_of(settings), store, _whose_models(settings))
    model_of = _models(upstreams, circuits, of_model, queue)
    shelf = Shelf(settings.state_max_bytes, time.monotonic)
    usage, audit = _usage(settings), _audit(settings)
    chat = ChatCompletions(
        settings,
        policies,
        model_of,
        tools,
        WISHES,
        turns,
        fences,
        shelf,
        keeps_trails=audit is not None,
    )
    models = Models(policies.names, RetriedList(upstreams.models, of_model))
    people = _people(settings)
    path = settings.keys_file
    faults = secrets.missing
    file = None if path is None else KeyFile(Path(path), hang_ups=hang_ups, faults=faults)
    rules = Rules(rules_of(settings.access)) if rules is None else rules

    jobs: list[Callable[[], Coroutine[Any, Any, None]]] = [counters.keep]
    closes: list[Callable[[], Awaitable[None]]] = [outbound.aclose, counters.aclose, store.aclose]
    if queue is not None:
        closes.insert(0, queue.aclose)
    if settings.keep_warm_s:
        jobs.append(partial(keep_warm, upstreams.probes, settings.keep_warm_s))
    if file is not None:
        jobs.append(file.keep_looking)
    if origin is not None and origin.file is not None:
        apply = (partial(_apply_rules, rules),)
        followed = SettingsFile(origin.file, origin, settings, apply, hang_ups=hang_ups)
        jobs.append(followed.keep_looking)
    if usage is not None:
        closes.append(partial(asyncio.to_thread, usage.file.close))
    if audit is not None:
        closes.append(partial(asyncio.to_thread, audit.file.close))

    ring = keys or _key_ring(settings, file)
    headers = UserHeaders(secrets.text)
    identities = Identities(ring, headers, rules, _tokens(settings, outbound))

    return Application(
        routes=[
            Route("/chat/completions", Limited(chat, limits), methods=["POST"]),
            Route("/models", ModelList(models), methods=["GET"]),
            Route("/models/{model:path}", OneModel(models), methods=["GET"]),
            Route(
                "/usage",
                Limited(UsageOfKey(usage, people), limits, makes_answers=False),
                methods=["GET"],
            ),
            Route("/health", Health(), methods=["GET"]),
            Route("/ready", Ready(upstreams.probes, settings.ready_ttl_s), methods=["GET"]),
        ],
        middleware=_middleware(settings, identities, usage, audit, people),
        redirect_slashes=False,
        lifespan=_lifespan(jobs, closes),
    )


def _lifespan(
    jobs: Iterable[Callable[[], Coroutine[Any, Any, None]]],
    closes: Iterable[Callable[[], Awaitable[None]]],
) -> Callable[[Application], AbstractAsyncContextManager[None]]:
    """Run the jobs while the app runs, and close things after it, in order."""

    @asynccontextmanager
    async def lifespan(_app: Application) -> AsyncIterator[None]:
        async with TaskScope() as tasks:
            for job in jobs:
                _ = tasks.start(job())
            yield
        for close in closes:
            await close()

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


def make_upstreams(
    settings: Settings, outbound: Outbound, store: Store, circuits: Circuits = NEVER_OPEN
) -> Upstreams:
    """Clients for the upstreams that `settings` name. They share search results through `store`."""

    def endpoint(name: str, base_url: str, key: str, transport: Transport) -> Endpoint:
        return Endpoint(name, base_url, key, transport, settings.connect_timeout_s)

    def vendor(name: str, credentials: str, key: str) -> Vendor:
        longest_s = settings.retry_after_max_s
        return Vendor(name, credentials, min(settings.retry_after_s, longest_s), key, longest_s)

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
        endpoint(lighton_replies.NAME, settings.lighton_base_url, key, outbound.search),
        vendor(lighton_replies.NAME, lighton_replies.CREDENTIALS, key),
        timeout_s=settings.search_timeout_s,
        shared=Shared(store, settings.search_cache_ttl),
        hosts=HostRule.of(settings.citation_hosts),
        circuits=circuits,
    )
    return Upstreams(model, models, search)


def _retry_policy(settings: Settings, retries: int, statuses: frozenset[int]) -> RetryPolicy:
    return RetryPolicy(retries, statuses, settings.retry_unsure, settings.retry_after_max_s)


def _models(
    upstreams: Upstreams, circuits: Circuits, retries: RetryPolicy, queue: ModelQueue | None
) -> ModelOf:
    """For each answer, from the outside in: what remembers it, the queue, what guards a model."""
    guarded = Guarded(upstreams.model, circuits)
    if queue is not None:
        upstreams.model.told = queue.told

    def model_of(client: Client, policy: Policy, effort: Effort) -> ModelUpstream:
        rounds = queue and Queued(guarded, queue, client, effort, guarded.check)
        retried = RetriedRounds(rounds or guarded, Retries(retries, effort))
        return Fallback(retried, (policy.model, *policy.fallbacks))

    return model_of


def _tools(searches: ClientSearches, settings: Settings) -> ToolsOf:
    text = SEARCHING if settings.search_instructions is None else settings.search_instructions

    policy = _retry_policy(settings, settings.search_retries, SEARCH_STATUSES)

    def tools_of(client: Client, effort: Effort) -> tuple[HiddenTool, ...]:
        search = searches.of(client, Retries(policy, effort))
        return SearchTool(search, text), ReadTool(LightOnFiles(search))

    return tools_of


def _apply_rules(rules: Rules, settings: Settings) -> str:
    rules.take(rules_of(settings.access))
    count = len(settings.access)
    return "one rule for people" if count == 1 else f"{count} rules for people"


def _usage(settings: Settings) -> Usage | None:
    if settings.usage_file is None:
        return None
    prices = Prices() if settings.prices is None else settings.prices.prices
    records = UsageRecords(prices, settings.profiles, settings.default_model)
    return Usage(UsageFile(Path(settings.usage_file)), records)


def _audit(settings: Settings) -> Audit | None:
    if settings.audit_file is None:
        return None
    records = AuditRecords(
        settings.profiles, settings.default_model, has_texts=settings.audit_texts
    )
    return Audit(AuditFile(Path(settings.audit_file)), records)


def _key_ring(settings: Settings, file: KeyFile | None) -> KeyRing:
    secret = _secret_of_names("client keys", settings)
    return KeyRing(map(_secret, settings.api_keys), secret=secret, file=file)


def make_issuer(settings: Settings, outbound: Outbound) -> Issuer | None:
    """The issuer of tokens that `settings` name; None if they name none."""
    oidc = None if settings.identity is None else settings.identity.oidc
    if oidc is None:
        return None
    return Issuer(oidc.issuer, oidc.jwks_url, outbound.issuer, settings.connect_timeout_s)


def _tokens(settings: Settings, outbound: Outbound) -> ReadsTokens | None:
    oidc = None if settings.identity is None else settings.identity.oidc
    issuer = make_issuer(settings, outbound)
    if oidc is None or issuer is None:
        return None
    require_extras(settings)
    # The library behind these is in an extra.
    from proxy.access.issuer_keys import IssuerKeys  # noqa: PLC0415
    from proxy.access.tokens import TokenRules, Tokens  # noqa: PLC0415

    rules = TokenRules(
        oidc.issuer,
        frozenset(oidc.audience),
        frozenset(oidc.algorithms),
        oidc.user_claim,
        oidc.groups_claim,
    )
    return Tokens(rules, IssuerKeys(issuer.keys))


def _people(settings: Settings) -> PeopleInRecords:
    secret = _secret_of_names("people", settings)
    return PeopleInRecords(secret, as_given=settings.people_in_records == "given")


def _secret_of_names(whose: str, settings: Settings) -> bytes:
    names = f"names of {whose}\0{_secret(settings.scaleway_api_key)}\0".encode()
    return names + _whose_documents(settings)


def _middleware(
    settings: Settings,
    identities: Identities,
    usage: Usage | None,
    audit: Audit | None,
    people: PeopleInRecords,
) -> list[Middleware]:
    """Outermost first. CORS encloses the rendering of errors, so that pages can read them."""
    origins = settings.cors_origins
    if origins is None:
        origins = () if identities.is_open else ("*",)
    cors = Middleware(
        CORS,
        allow_origins=origins,
        allow_origin_regex=LOOPBACK_ORIGIN if settings.cors_origins is None else None,
        allow_methods=("GET", "POST"),
        allow_headers=("*",),
        expose_headers=_EXPOSED_HEADERS,
    )
    return [
        Middleware(Requests, usage=usage, audit=audit, people=people),
        cors,
        Middleware(ErrorReplies),
        Middleware(Paths),
        Middleware(
            Admission,
            identities=identities,
            origins=frozenset(settings.cors_origins or ()),
            allow_forwarded=settings.allow_forwarded,
        ),
    ]


def _whose_documents(settings: Settings) -> bytes:
    """Tells apart the proxies that share a Redis. It holds a key: only hashes of it may leave."""
    return f"{settings.lighton_base_url}\0{_secret(settings.lighton_api_key)}".encode()


def _whose_models(settings: Settings) -> str:
    """Tells apart the quotas of models that proxies with the same Redis share."""
    whose = f"{settings.scaleway_base_url}\0{_secret(settings.scaleway_api_key)}"
    return hashlib.sha256(whose.encode()).hexdigest()[:32]


def _secret(value: SecretStr | None) -> str:
    return "" if value is None else value.get_secret_value()
