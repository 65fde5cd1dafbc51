"""The scenarios, small: with direct, with a gateway that is no gateway, and with the proxy."""

import pytest

from bench import metrics, scenarios
from bench.gateways import DIRECT, HOME, LOOP, ONE_HOP, PROXY, proxy
from bench.scenarios import ANSWERS, GUIDE, START, STREAMS, WORKERS, run
from bench.script import Script
from bench.servers import Launch, upstream_launch
from bench.session import Bench
from bench.site import Gateway, Site, asking_https, over_https
from bench.stats import ratio
from bench.subjects import Subject

ALONE = Subject("alone", "alone")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenarios, "ALONE", Script(chunks=8))
    monkeypatch.setattr(scenarios, "OPEN", 20)
    monkeypatch.setattr(scenarios, "_IDLE_S", 0.0)
    monkeypatch.setattr(scenarios, "_WORKERS_START_S", 0.0)


def test_direct_has_answers_and_streams_but_no_cpu(session: Bench) -> None:
    run(session, {START, ANSWERS, STREAMS, GUIDE, WORKERS})
    assert session.results.void == []
    assert session.results.of(metrics.ANSWERS, DIRECT.name)
    assert session.results.of(metrics.CPU_ANSWER, DIRECT.name) is None
    at = session.effort.levels[0].name
    assert session.results.of(metrics.first_token(50, at), DIRECT.name) is not None
    assert session.results.of(metrics.cpu_chunk(at), DIRECT.name) is None


def test_a_gateway_that_asks_nobody_has_void_runs(session: Bench) -> None:
    session.gateways = {"alone": Gateway("alone", str, str, lambda _: upstream_launch())}
    session.subjects = (ALONE,)
    run(session, {ANSWERS, STREAMS})
    assert {void.subject.name for void in session.results.void} == {ALONE.name}
    assert session.results.of(metrics.ANSWERS, ALONE.name) is None


def test_a_gateway_that_is_missing_is_not_started(session: Bench) -> None:
    def refuse(_: Site) -> Launch:
        pytest.fail("it is not there")

    session.gateways = {"alone": Gateway("alone", lambda: "not installed", str, refuse)}
    session.subjects = (ALONE,)
    run(session, {START, ANSWERS})
    assert session.results.absent == {ALONE.name: "not installed"}


@pytest.mark.long
def test_the_proxy_is_measured_over_https_at_the_levels_of_the_targets(session: Bench) -> None:
    secure = over_https(proxy(HOME.parent))
    loop = asking_https(LOOP)
    session.gateways = {secure.name: secure}
    session.subjects = (DIRECT, loop)
    run(session, {START, ANSWERS, STREAMS, GUIDE, WORKERS})
    assert [void.describe() for void in session.results.void] == []
    assert session.results.absent == {}
    other, same = (metrics.cpu_chunk(level.name) for level in session.effort.levels)
    for metric in (metrics.START, metrics.MEMORY, metrics.CPU_HOP, same):
        assert session.results.of(metric, loop.name)
    assert session.results.of(other, loop.name) is None


@pytest.mark.long
def test_the_proxy_is_measured_with_its_whole_loop(session: Bench) -> None:
    session.gateways = {PROXY: proxy(HOME.parent)}
    session.subjects = (DIRECT, LOOP, ONE_HOP)
    run(session, {START, ANSWERS, STREAMS, GUIDE, WORKERS})
    assert [void.describe() for void in session.results.void] == []
    results = session.results
    hops = ratio(results.of(metrics.CPU_ANSWER, LOOP.name), results.of(metrics.CPU_HOP, LOOP.name))
    assert hops == pytest.approx(3)
    at = session.effort.levels[0].name
    for metric in (
        metrics.START,
        metrics.IDLE,
        metrics.ANSWERS,
        metrics.cpu_chunk(at),
        metrics.gap(99, at),
        metrics.ONE_WORKER,
        metrics.TWO_WORKERS,
        metrics.TOOL_FIRST,
        metrics.HYBRID_FIRST,
    ):
        assert results.of(metric, LOOP.name) is not None
    assert results.of(metrics.GUIDE_FIRST, DIRECT.name)
    assert results.of(metrics.ANSWERS, ONE_HOP.name)
