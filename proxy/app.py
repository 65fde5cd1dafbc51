"""The composition root: settings in, ASGI application out. This module wires everything, once."""

from __future__ import annotations

import asyncio
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
from proxy.core.instructions import SEARCHING
from proxy.core.read_tool import ReadTool
from proxy.core.search_tool import SearchTool
from proxy.foundation import Foundation, Outside, lay
from proxy.outward import (
    Before,
    Upstreams,
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
from proxy.settings.limits import limits_of_all
from proxy.settings.named_secrets import NO_SECRETS, NamedSecrets
from proxy.settings.policies import Policies
from proxy.settings.reloading import Following, Given, Origin
from proxy.state.responses import StoredResponses
from proxy.state.turns import KeptTurns
from proxy.surfaces.answers import Answers, ToolsOf
from proxy.surfaces.api_routes import Surfaces, routes_of_api
from proxy.surfaces.application import Application
from proxy.surfaces.by_settings import (
    audit_of,
    metrics_of,
    middleware_of,
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
from proxy.telemetry.audit_record import Audit
from proxy.telemetry.board import Board
from proxy.telemetry.boards import Boards
from proxy.telemetry.people import PeopleInRecords
from proxy.telemetry.traces import Traces
from proxy.telemetry.usage_file import Usage
from proxy.upstreams.http.endpoint import Transport
from proxy.upstreams.http.outbound import Outbound
from proxy.upstreams.http.retries import RetriedList, Retries
from proxy.upstreams.http.retry_policy import MODEL_STATUSES, SEARCH_STATUSES, RetryPolicy
from proxy.upstreams.http.warmth import keep_warm
from proxy.upstreams.lighton.clients import ClientSearches
from proxy.upstreams.lighton.documents import LightOnDocuments
from proxy.upstreams.lighton.file_search import scope_of
from proxy.upstreams.lighton.files import LightOnFiles
from proxy.upstreams.lighton.lists import TTL_S, Lists
from proxy.upstreams.lighton.scope import LightOnScope, scope_in
from proxy.upstreams.lighton.store_terms import STORE_TERMS
from proxy.upstreams.lighton.wish import WISHES
from proxy.whose import fence_secret_of, realm_of, secret_of_names

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
    outside = Outside(environment, hang_ups, way, keys, held, boards)
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


def _application(outside: Outside, given: Given, parts: Share) -> Application:
    """The application for what is given. What it has of `parts`, it may share with others."""
    settings = given.settings
    base = lay(outside, settings, parts)
    upstreams = make_upstreams(settings, base.outbound, base.store, base.common)
    records = _records(outside, settings, parts)
    surfaces = _surfaces(given, base, upstreams, records, parts)
    limits = AllLimits(base.counters, limits_of_all(settings), realm_of(settings))
    if settings.keep_warm_s:
        made_of = partial, keep_warm, upstreams.probes, settings.keep_warm_s
        parts.of(*made_of, job=lambda work: work())
    page = page_of(settings, parts)
    routes = [
        *routes_of_api(surfaces, limits, base.inflight),
        *metrics_routes(outside.boards, base.gauges),
        *parts.of(read_schemas),
        *page.routes,
    ]
    board = None if outside.boards is None else outside.boards.own
    app = Application(
        routes,
        middleware_of(
            settings,
            _identities(outside, given, base, parts),
            parts.of(WrongKeys),
            usage=records.usage,
            audit=records.audit,
            people=records.people,
            metrics=metrics_of(settings, board, routes, parts),
            traces=records.traces,
            open_paths=page.paths,
        ),
    )
    base.take(settings)  # last: if anything above is wrong, all stays as it was
    return app


@dataclass(frozen=True, slots=True)
class _Records:
    """What becomes of what is known of a request."""

    usage: Usage | None
    audit: Audit | None
    traces: Traces | None
    people: PeopleInRecords
    keeps_trails: bool
    """Whether anybody wants to know what an answer rested on."""


def _records(outside: Outside, settings: Settings, parts: Share) -> _Records:
    usage, audit = usage_of(settings, parts), audit_of(settings, parts)
    traces = traces_of(settings, outside.environment, servers_of(settings), parts)
    keeps_trails = audit is not None or (traces is not None and settings.trace_contents)
    return _Records(usage, audit, traces, make_people(settings), keeps_trails)


def _surfaces(
    given: Given, base: Foundation, upstreams: Upstreams, records: _Records, parts: Share
) -> Surfaces:
    settings, counts = given.settings, base.common.counts
    realm = realm_of(settings)
    policies = Policies(settings, LightOnScope)
    of_model = retry_policy(settings, settings.model_retries, MODEL_STATUSES, counts)
    of_search = retry_policy(settings, settings.search_retries, SEARCH_STATUSES, counts)
    before = Before(base.common.circuits, of_model, base.queue)
    searches = ClientSearches(upstreams.search, given.secrets.named)
    documents_of = _documents(searches, of_search, Lists(base.store, TTL_S))
    trails = records.keeps_trails
    stores = Stores(
        settings, policies, WISHES, STORE_TERMS, documents_of, base.inflight, keeps_trails=trails
    )
    answers = partial(
        Answers,
        settings=settings,
        policies=policies,
        model_of=models_of(upstreams, before),
        tools_of=_tools(searches, of_search, settings),
        wishes=WISHES,
        turns=KeptTurns(base.store, settings.turns_ttl_s, realm),
        fence_secret=fence_secret_of(settings),
        shelf=parts.of(Shelf, settings.state_max_bytes, time.monotonic),
        closing=parts.of(_weighing),
        inflight=base.inflight,
        keeps_trails=trails,
    )
    stored = StoredResponses(
        base.of_responses, settings.responses_ttl_s, realm, policies.reach, settings.max_body_bytes
    )
    kept = settings, policies.names, WISHES, base.inflight
    return Surfaces(
        chat=answers(ChatApi(WISHES)),
        responses=answers(ResponsesApi(WISHES, scope_of, scope_in, stored, stores)),
        stored=stored,
        embeddings=Passthrough(passing(upstreams.embeddings, before), EMBEDDINGS, *kept),
        ranking=Passthrough(passing(upstreams.ranking, before), RANKING, *kept),
        models=Models(policies.names, RetriedList(upstreams.models, of_model)),
        usage=UsageOfKey(records.usage, records.people),
        stores=stores,
        ready=Ready(upstreams.probes, settings.ready_ttl_s),
    )


def _identities(outside: Outside, given: Given, base: Foundation, parts: Share) -> Identities:
    settings = given.settings
    ring = outside.keys or _key_ring(settings, _key_file(outside, given, parts))
    tokens = make_tokens(settings, base.outbound, parts, base.common.counted)
    return Identities(ring, UserHeaders(given.secrets.text), outside.rules, tokens)


def _key_file(outside: Outside, given: Given, parts: Share) -> KeyFile | None:
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
    secret = secret_of_names("client keys", settings)
    return KeyRing(map(secret_of, settings.api_keys), secret=secret, file=file)


def make_people(settings: Settings) -> PeopleInRecords:
    """How `settings` let the log, the usage file and the audit file name people."""
    secret = secret_of_names("people", settings)
    return PeopleInRecords(secret, as_given=settings.people_in_records == "given")
