"""The composition root: settings in, ASGI application out. This module wires everything, once."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from proxy.access.clients import Client
from proxy.access.identity import Identities
from proxy.access.key_file import KeyFile
from proxy.access.keys import KeyRing
from proxy.access.rules import Rules
from proxy.access.user_headers import UserHeaders
from proxy.access.watched_file import never_hung_up
from proxy.access.wrong_keys import WrongKeys
from proxy.core.effort import Effort
from proxy.core.evidence.shelf import Shelf
from proxy.core.hidden import HiddenTool
from proxy.core.inflight import InFlight
from proxy.core.instructions import SEARCHING
from proxy.core.read_tool import ReadTool
from proxy.core.search_tool import SearchTool
from proxy.outward import (
    Before,
    InCommon,
    gauges_of,
    make_tokens,
    make_upstreams,
    models_of,
    passing,
    retry_policy,
    secret_of,
    servers_of,
)
from proxy.settings import Settings
from proxy.settings.access import rules_of
from proxy.settings.limits import limits_of_all, queue_rules_of
from proxy.settings.named_secrets import NO_SECRETS, NamedSecrets
from proxy.settings.policies import Policies
from proxy.settings.reloading import Following, Given, Origin
from proxy.state.counters import Counters
from proxy.state.memory_store import MemoryStore
from proxy.state.responses import StoredResponses
from proxy.state.store import Store, make_counters, make_store
from proxy.state.turns import KeptTurns
from proxy.surfaces.answers import Answers, ToolsOf
from proxy.surfaces.api_routes import Surfaces, routes_of_api
from proxy.surfaces.application import Application
from proxy.surfaces.by_settings import (
    audit_of,
    metrics_of,
    middleware_of,
    named_models,
    page_of,
    traces_of,
    usage_of,
)
from proxy.surfaces.chat import ChatApi
from proxy.surfaces.health import Ready
from proxy.surfaces.limited import AllLimits
from proxy.surfaces.metrics import metrics_routes
from proxy.surfaces.models import Models
from proxy.surfaces.parts import Share
from proxy.surfaces.passthrough import EMBEDDINGS, RANKING, Passthrough
from proxy.surfaces.reloadable import Reloadable
from proxy.surfaces.responses import ResponsesApi
from proxy.surfaces.schemas import read_schemas
from proxy.surfaces.stores import DocumentsOf, Stores
from proxy.surfaces.usage import UsageOfKey
from proxy.telemetry.board import Board
from proxy.telemetry.boards import Boards
from proxy.telemetry.gauges import Gauges
from proxy.telemetry.people import PeopleInRecords
from proxy.telemetry.upstream_counts import UpstreamCounts
from proxy.upstreams.http.breaker import BreakerRules
from proxy.upstreams.http.circuits import Circuits
from proxy.upstreams.http.endpoint import Transport
from proxy.upstreams.http.outbound import Outbound, WayOut
from proxy.upstreams.http.retries import RetriedList, Retries
from proxy.upstreams.http.retry_policy import MODEL_STATUSES, SEARCH_STATUSES, RetryPolicy
from proxy.upstreams.http.warmth import keep_warm
from proxy.upstreams.lighton.clients import ClientSearches
from proxy.upstreams.lighton.documents import LightOnDocuments
from proxy.upstreams.lighton.file_search import scope_of
from proxy.upstreams.lighton.files import LightOnFiles
from proxy.upstreams.lighton.lists import TTL_S, Lists
from proxy.upstreams.lighton.scope import LightOnScope, scope_in
from proxy.upstreams.lighton.sightings import Sightings
from proxy.upstreams.lighton.store_terms import STORE_TERMS
from proxy.upstreams.lighton.wish import WISHES
from proxy.upstreams.model.model_queue import ModelQueue, make_queue

if TYPE_CHECKING:
    import httpx

_NO_VARIABLES: Final[Mapping[str, str]] = MappingProxyType({})

Proxy = Reloadable[Given]
"""The application that a server gets."""


def create_app(  # noqa: PLR0913 - callers pass few of them at a time
    settings: Settings,
    outbound: Outbound | Transport | httpx.AsyncBaseTransport | None = None,
    *,
    environment: Mapping[str, str] = _NO_VARIABLES,
    hang_ups: Callable[[], int] = never_hung_up,
    secrets: NamedSecrets = NO_SECRETS,
    keys: KeyRing | None = None,
    rules: Rules | None = None,
    origin: Origin | None = None,
    take: Callable[[Settings], None] | None = None,
    boards: Boards | None = None,
) -> Proxy:
    """The proxy. `outbound` carries the upstream requests.

    By default they go as the settings and the variables in `environment` say. `hang_ups` counts
    the signals to read settings and files again. `secrets` are those that client keys name. `keys`
    tell who may ask, and `rules` what people may use; by default as the settings say. `origin` is
    where the settings come from, to follow their changes, and `take` lets what is outside the
    application follow them. On the board that `boards` have as their own, the proxy counts what it
    does; by default it makes one if the settings say so.

    Raises EmptyScope for a profile that allows nothing of what the settings allow, and
    SettingsError for certificates that the proxy cannot use.
    """
    held = Rules(rules_of(settings.access)) if rules is None else rules
    way = outbound if isinstance(outbound, Outbound | None) else Outbound.over(outbound)
    if boards is None and settings.metrics:
        boards = Boards(Board.alone())
    outside = _Outside(environment, hang_ups, way, keys, held, boards)
    proxy: Proxy = Reloadable(partial(_application, outside), Given(settings, secrets))
    if origin is not None:

        def replace(given: Given) -> None:
            proxy.replace(given)
            if take is not None:
                take(given.settings)

        apply = partial(_apply_rules, held)
        following = Following(origin, proxy.given, replace, apply, hang_ups=hang_ups)
        proxy.jobs.append(following.keep_following)
    return proxy


@dataclass(frozen=True, slots=True)
class _Outside:
    """What is the same for all applications that follow each other."""

    environment: Mapping[str, str]
    hang_ups: Callable[[], int]
    outbound: Outbound | None
    keys: KeyRing | None
    rules: Rules
    boards: Boards | None


def _application(outside: _Outside, given: Given, parts: Share) -> Application:
    """The application for what is given. What it has of `parts`, it may share with others."""
    settings, secrets = given.settings, given.secrets
    whose = _whose_documents(settings)
    realm = hashlib.sha256(whose).hexdigest()
    fences = hashlib.sha256(b"words of fences\0" + whose).digest()
    outbound = _outbound(outside, settings, parts)
    rules = BreakerRules(settings.breaker_failures, settings.breaker_open_s)
    circuits = parts.of(Circuits, rules)
    store, of_responses = _stores(settings, parts, whose)
    inflight = parts.of(InFlight)
    boards = outside.boards
    board = None if boards is None else boards.own
    counts = None if board is None else parts.of(UpstreamCounts, board)
    common = InCommon(circuits, inflight, parts.of(Sightings), counts)
    upstreams = make_upstreams(settings, outbound.guarded(circuits), store, common)
    policies = Policies(settings, LightOnScope)
    limits = AllLimits(_counters(settings, parts, store), limits_of_all(settings), realm)
    of_model = retry_policy(settings, settings.model_retries, MODEL_STATUSES, counts)
    usage, audit = usage_of(settings, parts), audit_of(settings, parts)
    traces = traces_of(settings, outside.environment, servers_of(settings), parts)
    keeps_trails = audit is not None or (traces is not None and settings.trace_contents)
    queue_rules = queue_rules_of(settings)
    queue = None if queue_rules is None else _queue(settings, parts, store)
    before = Before(circuits, of_model, queue)
    of_search = retry_policy(settings, settings.search_retries, SEARCH_STATUSES, counts)
    searches = ClientSearches(upstreams.search, secrets.named)
    stores = Stores(
        settings,
        policies,
        WISHES,
        STORE_TERMS,
        _documents(searches, of_search, Lists(store, TTL_S)),
        inflight,
        keeps_trails=keeps_trails,
    )
    answers = partial(
        Answers,
        settings=settings,
        policies=policies,
        model_of=models_of(upstreams, before),
        tools_of=_tools(searches, of_search, settings),
        wishes=WISHES,
        turns=KeptTurns(store, settings.turns_ttl_s, realm),
        fence_secret=fences,
        shelf=parts.of(Shelf, settings.state_max_bytes, time.monotonic),
        closing=parts.of(_weighing),
        inflight=inflight,
        keeps_trails=keeps_trails,
    )
    stored = StoredResponses(
        of_responses, settings.responses_ttl_s, realm, policies.reach, settings.max_body_bytes
    )
    kept = settings, policies.names, WISHES, inflight
    people = make_people(settings)
    surfaces = Surfaces(
        chat=answers(ChatApi(WISHES)),
        responses=answers(ResponsesApi(WISHES, scope_of, scope_in, stored, stores)),
        stored=stored,
        embeddings=Passthrough(passing(upstreams.embeddings, before), EMBEDDINGS, *kept),
        ranking=Passthrough(passing(upstreams.ranking, before), RANKING, *kept),
        models=Models(policies.names, RetriedList(upstreams.models, of_model)),
        usage=UsageOfKey(usage, people),
        stores=stores,
        ready=Ready(upstreams.probes, settings.ready_ttl_s),
    )
    if settings.keep_warm_s:
        made_of = partial, keep_warm, upstreams.probes, settings.keep_warm_s
        parts.of(*made_of, job=lambda work: work())
    ring = outside.keys or _key_ring(settings, _key_file(outside, given, parts))
    tokens = make_tokens(settings, outbound, parts, common.counted)
    page = page_of(settings, parts)
    identities = Identities(ring, UserHeaders(secrets.text), outside.rules, tokens)
    gauges = None if board is None else parts.of(Gauges, board, job=Gauges.keep_looking)
    routes = [
        *routes_of_api(surfaces, limits, inflight),
        *metrics_routes(boards, gauges),
        *parts.of(read_schemas),
        *page.routes,
    ]
    app = Application(
        routes,
        middleware_of(
            settings,
            identities,
            parts.of(WrongKeys),
            usage=usage,
            audit=audit,
            people=people,
            metrics=metrics_of(settings, board, routes),
            traces=traces,
            open_paths=page.paths,
        ),
    )
    # What goes on from one application to the next takes what is new last: if anything above is
    # wrong, all stays as it was.
    inflight.take(settings.max_inflight_bytes, settings.retry_after_s)
    if queue is not None and queue_rules is not None:
        queue.take(queue_rules)
    if gauges is not None:
        gauges.take(gauges_of(circuits, queue, inflight, named_models(settings)))
    return app


def _outbound(outside: _Outside, settings: Settings, parts: Share) -> Outbound:
    if outside.outbound is not None:
        return parts.of(_itself, outside.outbound, close=Outbound.aclose)
    made_of = WayOut.of(settings), outside.environment
    return parts.of(Outbound.of, *made_of, close=Outbound.aclose)


def _itself(outbound: Outbound) -> Outbound:
    return outbound


def _stores(settings: Settings, parts: Share, whose: bytes) -> tuple[Store, Store]:
    """What keeps turns and all else, and what keeps responses.

    In memory each has half of the room: clients decide how large a response is, and would push out
    the hidden turns of others. Only what others can reach is sealed, so only there the seal makes
    another store.
    """
    redis_url, room = secret_of(settings.redis_url) or None, settings.state_max_bytes
    seal = b"" if redis_url is None else hashlib.sha256(b"seal of what is kept\0" + whose).digest()
    of_responses = 0 if redis_url else room // 2
    made_of = make_store, redis_url, room - of_responses, seal
    store = parts.of(*made_of, close=lambda store: store.aclose())
    if redis_url is not None:
        return store, store
    return store, parts.of(MemoryStore, of_responses, close=MemoryStore.aclose)


def _queue(settings: Settings, parts: Share, store: Store) -> ModelQueue:
    return parts.of(make_queue, store, _whose_models(settings), close=ModelQueue.aclose)


def _counters(settings: Settings, parts: Share, store: Store) -> Counters:
    """Without Redis there is nothing to do without, and the counts go on."""
    policy = None if settings.redis_url is None else settings.limits_without_redis
    return parts.of(
        make_counters,
        store,
        policy,
        job=lambda counters: counters.keep(),
        close=lambda counters: counters.aclose(),
    )


def _key_file(outside: _Outside, given: Given, parts: Share) -> KeyFile | None:
    path = given.settings.keys_file
    if path is None:
        return None
    made_of = path, outside.hang_ups, given.secrets
    return parts.of(_open_key_file, *made_of, job=KeyFile.keep_looking)


def _open_key_file(path: str, hang_ups: Callable[[], int], secrets: NamedSecrets) -> KeyFile:
    return KeyFile(Path(path), hang_ups=hang_ups, faults=secrets.missing)


def _weighing() -> asyncio.Lock:
    """Held by the one answer of the process whose citations are weighed."""
    return asyncio.Lock()


def _tools(searches: ClientSearches, policy: RetryPolicy, settings: Settings) -> ToolsOf:
    text = SEARCHING if settings.search_instructions is None else settings.search_instructions

    def tools_of(client: Client, effort: Effort) -> tuple[HiddenTool, ...]:
        search = searches.of(client, Retries(policy, effort))
        return SearchTool(search, text), ReadTool(LightOnFiles(search))

    return tools_of


def _documents(searches: ClientSearches, policy: RetryPolicy, lists: Lists) -> DocumentsOf:
    def documents_of(client: Client, effort: Effort) -> LightOnDocuments:
        return LightOnDocuments(searches.of(client, Retries(policy, effort)), lists)

    return documents_of


def _apply_rules(rules: Rules, settings: Settings) -> str:
    rules.take(rules_of(settings.access))
    count = len(settings.access)
    return "one rule for people" if count == 1 else f"{count} rules for people"


def _key_ring(settings: Settings, file: KeyFile | None) -> KeyRing:
    secret = _secret_of_names("client keys", settings)
    return KeyRing(map(secret_of, settings.api_keys), secret=secret, file=file)


def make_people(settings: Settings) -> PeopleInRecords:
    """How `settings` let the log, the usage file and the audit file name people."""
    secret = _secret_of_names("people", settings)
    return PeopleInRecords(secret, as_given=settings.people_in_records == "given")


def _secret_of_names(whose: str, settings: Settings) -> bytes:
    names = f"names of {whose}\0{secret_of(settings.scaleway_api_key)}\0".encode()
    return names + _whose_documents(settings)


def _whose_documents(settings: Settings) -> bytes:
    """Tells apart the proxies that share a Redis. It holds a key: only hashes of it may leave."""
    return f"{settings.lighton_base_url}\0{secret_of(settings.lighton_api_key)}".encode()


def _whose_models(settings: Settings) -> str:
    """Tells apart the quotas of models that proxies with the same Redis share."""
    whose = f"{settings.scaleway_base_url}\0{secret_of(settings.scaleway_api_key)}"
    return hashlib.sha256(whose.encode()).hexdigest()[:32]
