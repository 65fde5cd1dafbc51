"""The clients of the upstreams that settings name, and what stands between them and an answer."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from proxy.access.clients import Client
from proxy.access.identity import ReadsTokens
from proxy.core.addresses import HostRule
from proxy.core.effort import Effort
from proxy.core.inflight import InFlight
from proxy.core.passed import Passed
from proxy.core.plan import Policy
from proxy.core.ports import ModelUpstream, Rounds
from proxy.settings import Settings
from proxy.settings.extras import require_extras
from proxy.state.shared import Shared
from proxy.state.store import Store
from proxy.surfaces.answers import ModelOf
from proxy.surfaces.parts import Share
from proxy.surfaces.passthrough import PassOn
from proxy.telemetry.board import Labels
from proxy.telemetry.gauges import Readings
from proxy.telemetry.label_values import OTHER
from proxy.telemetry.series import BREAKER_STATE, OPEN_STREAMS, QUEUE_LENGTH, Series
from proxy.telemetry.spans import Server, Servers
from proxy.telemetry.upstream_counts import UpstreamCounts
from proxy.upstreams.http.breaker import State
from proxy.upstreams.http.circuits import NEVER_OPEN, Circuits
from proxy.upstreams.http.endpoint import Counted, Endpoint, Transport, origin_of, uncounted
from proxy.upstreams.http.outbound import Outbound
from proxy.upstreams.http.retries import RetriedRounds, Retries
from proxy.upstreams.http.retry_policy import RetryPolicy
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.lighton import replies as lighton_replies
from proxy.upstreams.lighton.search import LightOn
from proxy.upstreams.lighton.sightings import Sightings
from proxy.upstreams.model.fallback import Fallback
from proxy.upstreams.model.guarded import Guarded
from proxy.upstreams.model.model_queue import ModelQueue
from proxy.upstreams.model.passed import PassedRound
from proxy.upstreams.model.queued import Queued
from proxy.upstreams.model.traced import Traced
from proxy.upstreams.oidc.issuer import Issuer
from proxy.upstreams.scaleway import replies as scaleway_replies
from proxy.upstreams.scaleway.client import Scaleway
from proxy.upstreams.scaleway.models import ScalewayModels
from proxy.upstreams.scaleway.passed import ScalewayPassed
from proxy.upstreams.scaleway.vectors import read_embeddings, read_ranking

if TYPE_CHECKING:
    from proxy.access.issuer_keys import IssuerKeys

_STATES: Final = {State.CLOSED: 0.0, State.PROBING: 1.0, State.OPEN: 2.0}
Probes = tuple[tuple[Endpoint, str], ...]
Told = Callable[[str, Mapping[str, str]], None]


@dataclass(frozen=True, slots=True)
class Upstreams:
    """The clients of both upstreams."""

    model: Scaleway
    models: ScalewayModels
    search: LightOn
    embeddings: ScalewayPassed
    ranking: ScalewayPassed

    @property
    def probes(self) -> Probes:
        """Each upstream with a path that costs nothing to GET, and whose reply does not matter."""
        search, model = (
            replace(each.endpoint, counted=uncounted) for each in (self.search, self.model)
        )
        return (search, "/"), (model, "/models")


@dataclass(frozen=True, slots=True)
class InCommon:
    """What all clients of upstreams in a process share."""

    circuits: Circuits = NEVER_OPEN
    inflight: InFlight = field(default_factory=InFlight)
    sightings: Sightings = field(default_factory=Sightings)
    counts: UpstreamCounts | None = None
    """What counts requests to upstreams; None if nobody does."""

    @property
    def counted(self) -> Counted:
        return uncounted if self.counts is None else self.counts.request


def make_upstreams(
    settings: Settings, outbound: Outbound, store: Store, common: InCommon | None = None
) -> Upstreams:
    """Clients for the upstreams that `settings` name. They share search results through `store`."""
    common = common or InCommon()

    def endpoint(name: str, base_url: str, key: str, transport: Transport) -> Endpoint:
        connect_s = settings.connect_timeout_s
        return Endpoint(name, base_url, key, transport, connect_s, common.inflight, common.counted)

    def vendor(name: str, credentials: str, key: str) -> Vendor:
        longest_s = settings.retry_after_max_s
        return Vendor(name, credentials, min(settings.retry_after_s, longest_s), key, longest_s)

    key = secret_of(settings.scaleway_api_key)
    scaleway = endpoint(scaleway_replies.NAME, settings.scaleway_base_url, key, outbound.model)
    scaleway_vendor = vendor(scaleway_replies.NAME, scaleway_replies.CREDENTIALS, key)
    models = ScalewayModels(scaleway, scaleway_vendor, settings.models_ttl_s)
    model = Scaleway(
        scaleway,
        scaleway_vendor,
        models,
        drop_params=frozenset(settings.drop_params),
        idle_s=settings.round_idle_s,
    )
    dropped, idle_s = frozenset(settings.drop_params), settings.round_idle_s
    passed = partial(ScalewayPassed, scaleway, scaleway_vendor, models, dropped, idle_s)
    key = secret_of(settings.lighton_api_key)
    search = LightOn(
        endpoint(lighton_replies.NAME, settings.lighton_base_url, key, outbound.search),
        vendor(lighton_replies.NAME, lighton_replies.CREDENTIALS, key),
        timeout_s=settings.search_timeout_s,
        shared=Shared(store, settings.search_cache_ttl),
        hosts=HostRule.of(settings.citation_hosts),
        sightings=common.sightings,
        circuits=common.circuits,
    )
    embeddings = passed("/embeddings", read_embeddings)
    return Upstreams(model, models, search, embeddings, passed("/rerank", read_ranking))


def servers_of(settings: Settings) -> Servers:
    """The upstreams, as spans name them."""
    model = _server(scaleway_replies.NAME, settings.scaleway_base_url)
    search = _server(lighton_replies.NAME, settings.lighton_base_url)
    return Servers(model, {lighton_replies.NAME: search})


def _server(name: str, base_url: str) -> Server:
    origin = origin_of(base_url)
    return Server(name.lower(), origin.host, origin.port)


def retry_policy(
    settings: Settings, retries: int, statuses: frozenset[int], counts: UpstreamCounts | None = None
) -> RetryPolicy:
    policy = RetryPolicy(retries, statuses, settings.retry_unsure, settings.retry_after_max_s)
    return policy if counts is None else replace(policy, counted=counts.retry)


@dataclass(frozen=True, slots=True)
class Before:
    """What stands before a model, from the outside in: retries, the queue, a breaker."""

    circuits: Circuits
    retries: RetryPolicy
    queue: ModelQueue | None

    def of(self, rounds: Rounds, client: Client, effort: Effort) -> RetriedRounds:
        """The rounds of one answer, behind all of it."""
        guarded = Guarded(rounds, self.circuits)
        queued = self.queue and Queued(guarded, self.queue, client, effort, guarded.check)
        return RetriedRounds(queued or guarded, Retries(self.retries, effort))

    @property
    def told(self) -> Told:
        """Whom the headers of a model's replies are for."""
        return _nobody if self.queue is None else self.queue.told


def models_of(upstreams: Upstreams, before: Before) -> ModelOf:
    """For each answer, from the outside in: what remembers it, and what stands before a model."""
    upstreams.model.told = before.told

    def model_of(client: Client, policy: Policy, effort: Effort) -> ModelUpstream:
        rounds: Rounds = upstreams.model
        if effort.timeline.trace is not None:
            rounds = Traced(upstreams.model, effort.timeline)
        retried = before.of(rounds, client, effort)
        return Fallback(retried, (policy.model, *policy.fallbacks))

    return model_of


def passing(upstream: ScalewayPassed, before: Before) -> PassOn:
    """Passes requests of one kind on, behind all that stands before a model."""
    upstream.told = before.told

    async def pass_on(client: Client, effort: Effort, document: Mapping[str, object]) -> Passed:
        round_ = PassedRound(upstream, document, effort.timeline.round_headers)
        await before.of(round_, client, effort).ask({"model": str(document["model"])}, _unheard)
        return round_.reply

    return pass_on


def gauges_of(
    circuits: Circuits, queue: ModelQueue | None, inflight: InFlight, models: Container[str]
) -> Callable[[], Readings]:
    """What reads the gauges of a process. Of `models`, the names may be told."""

    def read() -> Readings:
        waiting = 0 if queue is None else queue.line.waiting + queue.line.held
        found: dict[tuple[Series, Labels], float] = {
            (QUEUE_LENGTH, ()): waiting,
            (OPEN_STREAMS, ()): inflight.streams,
        }
        for (kind, name), state in circuits.states:
            is_told = kind != "model" or name in models
            labels = (kind, name if is_told else OTHER)
            now = found.get((BREAKER_STATE, labels), 0.0)
            found[BREAKER_STATE, labels] = max(now, _STATES[state])
        return found

    return read


def _nobody(_model: str, _headers: Mapping[str, str]) -> None:
    """Without a queue, nobody asks how much of a quota is left."""


def _unheard(_: object) -> None:
    """A round that is passed on says nothing."""


def make_issuer(
    settings: Settings, outbound: Outbound, counted: Counted = uncounted
) -> Issuer | None:
    """The issuer of tokens that `settings` name; None if they name none."""
    oidc = None if settings.identity is None else settings.identity.oidc
    if oidc is None:
        return None
    connect_s = settings.connect_timeout_s
    return Issuer(oidc.issuer, oidc.jwks_url, outbound.issuer, connect_s, counted)


def make_tokens(
    settings: Settings, outbound: Outbound, parts: Share, counted: Counted = uncounted
) -> ReadsTokens | None:
    """What reads tokens of the issuer that `settings` name; None if they name none."""
    oidc = None if settings.identity is None else settings.identity.oidc
    issuer = make_issuer(settings, outbound, counted)
    if oidc is None or issuer is None:
        return None
    require_extras(settings)
    # The library behind this is in an extra.
    from proxy.access.tokens import TokenRules, Tokens  # noqa: PLC0415

    rules = TokenRules(
        oidc.issuer,
        frozenset(oidc.audience),
        frozenset(oidc.algorithms),
        oidc.user_claim,
        oidc.groups_claim,
    )
    return Tokens(rules, parts.of(_keys_of, issuer))


def _keys_of(issuer: Issuer) -> IssuerKeys:
    from proxy.access.issuer_keys import IssuerKeys  # noqa: PLC0415 - as above

    return IssuerKeys(issuer.keys)


def secret_of(value: SecretStr | None) -> str:
    return "" if value is None else value.get_secret_value()
