"""The clients of upstreams, and the order of what stands before the model."""

from __future__ import annotations

import httpx
import pytest

from proxy.access.clients import ANYBODY
from proxy.access.fair_queue import QueueRules, Ticket
from proxy.core.effort import Effort
from proxy.core.inflight import InFlight
from proxy.errors import UpstreamError
from proxy.outward import (
    Before,
    InCommon,
    Upstreams,
    gauges_of,
    make_issuer,
    make_upstreams,
    models_of,
    passing,
    retry_policy,
)
from proxy.settings import Settings
from proxy.settings.policies import Policies
from proxy.state.memory_store import MemoryStore
from proxy.telemetry.series import OPEN_STREAMS, QUEUE_LENGTH
from proxy.upstreams.http.breaker import BreakerRules
from proxy.upstreams.http.circuits import Circuit, Circuits
from proxy.upstreams.http.outbound import Outbound
from proxy.upstreams.http.retries import RetriedRounds
from proxy.upstreams.http.retry_policy import MODEL_STATUSES, RetryPolicy
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.model.fallback import Fallback
from proxy.upstreams.model.guarded import Guarded
from proxy.upstreams.model.model_queue import make_queue
from proxy.upstreams.model.queued import Queued

SETTINGS = Settings(lighton_api_key="l", scaleway_api_key="s")
OUTBOUND = Outbound.over(httpx.MockTransport(lambda _: httpx.Response(500)))


def upstreams(common: InCommon | None = None) -> Upstreams:
    return make_upstreams(SETTINGS, OUTBOUND, MemoryStore(0), common)


@pytest.mark.parametrize("slots", [0, 5])
async def test_before_a_model_stand_fallback_retries_queue_and_breaker_in_this_order(
    slots: int,
) -> None:
    queue = make_queue(MemoryStore(0), "whose") if slots else None
    common = InCommon()
    retries = retry_policy(SETTINGS, SETTINGS.model_retries, MODEL_STATUSES)
    model_of = models_of(upstreams(common), Before(common.circuits, retries, queue))
    policy = Policies(SETTINGS, LightOnScope).of(None, ANYBODY)
    outermost = model_of(ANYBODY, policy, Effort())
    assert isinstance(outermost, Fallback)
    retried = outermost.upstream
    assert isinstance(retried, RetriedRounds)
    inner = retried.rounds
    if slots:
        assert isinstance(inner, Queued)
        inner = inner.rounds
    assert isinstance(inner, Guarded)
    if queue is not None:
        await queue.aclose()


@pytest.mark.parametrize("kind", ["embeddings", "ranking"])
async def test_what_is_passed_on_waits_in_the_same_queue_and_tells_it_of_quotas(kind: str) -> None:
    queue = make_queue(MemoryStore(0), "whose")
    common = InCommon()
    before = Before(common.circuits, RetryPolicy(), queue)
    upstream = getattr(upstreams(common), kind)
    pass_on = passing(upstream, before)
    assert upstream.told == queue.told
    with pytest.raises(UpstreamError):
        await pass_on(ANYBODY, Effort(), {"model": "m"})
    await queue.aclose()


def test_upstreams_share_what_they_are_given_in_common() -> None:
    common = InCommon()
    assert upstreams(common).search.sightings is common.sightings
    assert upstreams().search.sightings is not upstreams().search.sightings


def test_each_upstream_has_a_probe() -> None:
    assert [path for _, path in upstreams().probes] == ["/", "/models"]


def test_there_is_an_issuer_only_where_the_settings_name_one() -> None:
    assert make_issuer(SETTINGS, OUTBOUND) is None
    oidc = {"issuer": "https://login.example.com", "audience": "rag-proxy"}
    assert make_issuer(Settings(identity={"oidc": oidc}), OUTBOUND) is not None


def open_circuits(*circuits: Circuit) -> Circuits:
    them = Circuits(BreakerRules(1), lambda: 0.0, lambda: 0.0)
    for each in circuits:
        with them.enter(each) as passage:
            passage.fail()
    return them


def test_gauges_tell_of_breakers_and_of_models_only_those_that_are_known() -> None:
    host = Circuit("host", "s.test:443")
    models = [Circuit("model", name) for name in ("llama", "made-up", "made-up-too")]
    read = gauges_of(open_circuits(host, *models), None, InFlight(), {"llama"})
    states = {labels: value for (series, labels), value in read().items() if series.labels}
    assert states == {
        ("host", "s.test:443"): 2,
        ("model", "llama"): 2,
        ("model", "other"): 2,
    }


async def test_gauges_tell_how_many_wait_and_how_many_streams_go_on() -> None:
    queue, inflight = make_queue(MemoryStore(0), "whose"), InFlight()
    queue.take(QueueRules(slots=1, own=1))
    read = gauges_of(Circuits(BreakerRules()), queue, inflight, ())
    assert read() == {(QUEUE_LENGTH, ()): 0, (OPEN_STREAMS, ()): 0}
    with inflight.hold() as held:
        held.begin_stream()
        for model in "abc":
            queue.enter(Ticket(("id", "key"), None, model))
        assert read() == {(QUEUE_LENGTH, ()): 2, (OPEN_STREAMS, ()): 1}
    await queue.aclose()
