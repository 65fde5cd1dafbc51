"""What an application stands on: parts that it may share with the one that follows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from proxy.access.keys import KeyRing
from proxy.access.rules import Rules
from proxy.core.inflight import InFlight
from proxy.outward import InCommon, gauges_of, secret_of
from proxy.settings import Settings
from proxy.settings.limits import queue_rules_of
from proxy.state.counters import Counters
from proxy.state.memory_store import MemoryStore
from proxy.state.store import Store, make_counters, make_store
from proxy.surfaces.by_settings import named_models
from proxy.surfaces.parts import Share
from proxy.telemetry.boards import Boards
from proxy.telemetry.gauges import Gauges
from proxy.telemetry.upstream_counts import UpstreamCounts
from proxy.upstreams.http.breaker import BreakerRules
from proxy.upstreams.http.circuits import Circuits
from proxy.upstreams.http.outbound import Outbound, WayOut
from proxy.upstreams.lighton.sightings import Sightings
from proxy.upstreams.model.model_queue import ModelQueue, make_queue
from proxy.whose import models_realm_of, seal_of


@dataclass(frozen=True, slots=True)
class Outside:
    """What is the same for all applications that follow each other."""

    environment: Mapping[str, str]
    hang_ups: Callable[[], int]
    outbound: Outbound | None
    keys: KeyRing | None
    rules: Rules
    boards: Boards | None


@dataclass(frozen=True, slots=True)
class Foundation:
    """See the head of this file."""

    outbound: Outbound
    common: InCommon
    store: Store
    """What keeps turns and all else."""
    of_responses: Store
    """What keeps responses."""
    counters: Counters
    queue: ModelQueue | None
    gauges: Gauges | None

    @property
    def inflight(self) -> InFlight:
        return self.common.inflight

    def take(self, settings: Settings) -> None:
        """What goes on from one application to the next takes what is new."""
        self.inflight.take(settings.max_inflight_bytes, settings.retry_after_s)
        rules = queue_rules_of(settings)
        if self.queue is not None and rules is not None:
            self.queue.take(rules)
        if self.gauges is not None:
            models = named_models(settings)
            self.gauges.take(gauges_of(self.common.circuits, self.queue, self.inflight, models))


def lay(outside: Outside, settings: Settings, parts: Share) -> Foundation:
    """The foundation of an application. What it has of `parts`, it may share with others."""
    board = None if outside.boards is None else outside.boards.own
    common = InCommon(
        parts.of(Circuits, BreakerRules(settings.breaker_failures, settings.breaker_open_s)),
        parts.of(InFlight),
        parts.of(Sightings),
        None if board is None else parts.of(UpstreamCounts, board),
    )
    store, of_responses = _stores(settings, parts)
    return Foundation(
        _outbound(outside, settings, parts).guarded(common.circuits),
        common,
        store,
        of_responses,
        _counters(settings, parts, store),
        None if queue_rules_of(settings) is None else _queue(settings, parts, store),
        None if board is None else parts.of(Gauges, board, job=Gauges.keep_looking),
    )


def _outbound(outside: Outside, settings: Settings, parts: Share) -> Outbound:
    if outside.outbound is not None:
        return parts.of(_itself, outside.outbound, close=Outbound.aclose)
    made_of = WayOut.of(settings), outside.environment
    return parts.of(Outbound.of, *made_of, close=Outbound.aclose)


def _itself(outbound: Outbound) -> Outbound:
    return outbound


def _stores(settings: Settings, parts: Share) -> tuple[Store, Store]:
    """What keeps turns and all else, and what keeps responses.

    In memory each has half of the room: clients decide how large a response is, and would push out
    the hidden turns of others. Only what others can reach is sealed, so only there the seal makes
    another store.
    """
    redis_url, room = secret_of(settings.redis_url) or None, settings.state_max_bytes
    seal = b"" if redis_url is None else seal_of(settings)
    of_responses = 0 if redis_url else room // 2
    made_of = make_store, redis_url, room - of_responses, seal
    store = parts.of(*made_of, close=lambda store: store.aclose())
    if redis_url is not None:
        return store, store
    return store, parts.of(MemoryStore, of_responses, close=MemoryStore.aclose)


def _queue(settings: Settings, parts: Share, store: Store) -> ModelQueue:
    return parts.of(make_queue, store, models_realm_of(settings), close=ModelQueue.aclose)


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
