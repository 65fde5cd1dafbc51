"""Verdicts are computed: reached, not reached, or not measured."""

import pytest

from bench import metrics
from bench.gateways import LOOP
from bench.metrics import DIRECT
from bench.peers import LITELLM, TENSORZERO
from bench.results import Results
from bench.site import OF_HTTPS
from bench.targets import TARGETS, Target, Verdict, verdicts

MANY = metrics.level(64)
VALUES = {
    (metrics.cpu_chunk(MANY), LOOP.name): 22e-6,
    (metrics.cpu_chunk(MANY), TENSORZERO): 20e-6,
    (metrics.cpu_chunk(MANY), LOOP.name + OF_HTTPS): 31e-6,
    (metrics.cpu_chunk(MANY), TENSORZERO + OF_HTTPS): 25e-6,
    (metrics.CPU_HOP, LOOP.name + OF_HTTPS): 210e-6,
    (metrics.CPU_HOP, TENSORZERO + OF_HTTPS): 200e-6,
    (metrics.CPU_HOP, LOOP.name): 100e-6,
    (metrics.CPU_HOP, TENSORZERO): 200e-6,
    (metrics.ANSWERS, LOOP.name): 1500.0,
    (metrics.ANSWERS, LITELLM): 100.0,
    (metrics.first_token(50, metrics.level(1)), LOOP.name): 0.9e-3,
    (metrics.gap(99, MANY), LOOP.name): 1.4e-3,
    (metrics.gap(99, MANY), DIRECT): 1e-3,
    (metrics.MEMORY, LOOP.name): 55e3,
    (metrics.START, LOOP.name): 0.25,
    (metrics.IDLE, LOOP.name): 60e6,
    (metrics.HYBRID_FIRST, LOOP.name): 0.5,
    (metrics.GUIDE_FIRST, DIRECT): 1.0,
    (metrics.ONE_WORKER, LOOP.name): 1000.0,
    (metrics.TWO_WORKERS, LOOP.name): 1530.0,
    (metrics.cores_of(metrics.ONE_WORKER), LOOP.name): 1.0,
    (metrics.cores_of(metrics.TWO_WORKERS), LOOP.name): 1.8,
}


def results_of(values: dict[tuple[str, str], float]) -> Results:
    results = Results()
    for (metric, subject), value in values.items():
        results.add(metric, subject, value)
    return results


def test_every_target_is_judged_by_its_own_figure() -> None:
    judged = verdicts(results_of(VALUES))
    figures = [verdict.figure for verdict in judged]
    expected = [1.1, 1.24, 0.5, 1.05, 15.0, 0.9, 0.4, 55.0, 0.25, 60.0, 0.5, 1.7]
    assert figures == [pytest.approx(each) for each in expected]
    reached = [verdict.reached for verdict in judged]
    assert reached == [
        *(False, False, True, True, True, True, True),
        *(False, True, False, True, False),
    ]


def test_what_was_not_measured_is_no_success() -> None:
    judged = verdicts(Results())
    assert {verdict.reached for verdict in judged} == {None}
    assert all(verdict.describe().startswith("not measured: ") for verdict in judged)


@pytest.mark.parametrize("absent", VALUES)
def test_a_ratio_lacks_either_side(absent: tuple[str, str]) -> None:
    judged = verdicts(results_of({key: each for key, each in VALUES.items() if key != absent}))
    assert sum(verdict.reached is None for verdict in judged) == 1


@pytest.mark.parametrize(
    ("figure", "at_least", "words"),
    [
        (3.0, False, "reached: it: 3.00 ms, target ≤ 3 ms"),
        (3.01, False, "not reached: it: 3.01 ms, target ≤ 3 ms"),
        (3.0, True, "reached: it: 3.00 ms, target ≥ 3 ms"),
        (2.9, True, "not reached: it: 2.90 ms, target ≥ 3 ms"),
        (None, True, "not measured: it: target ≥ 3 ms"),
    ],
)
def test_a_verdict_says_what_was_measured(
    figure: float | None, words: str, *, at_least: bool
) -> None:
    target = Target("it", "ms", 3, lambda _: figure, at_least=at_least)
    assert Verdict(target, figure).describe() == words


def test_the_figures_to_reach_are_those_that_were_set() -> None:
    limits = [1.05, 1.05, 1.05, 1.05, 15, 1, 0.5, 50, 0.3, 50, 0.5, 1.8]
    assert [target.limit for target in TARGETS] == limits


def test_a_ratio_is_of_the_medians_of_all_runs() -> None:
    results = Results()
    for ours, theirs in ((90, 20), (21, 20), (21, 1), (1, 20), (21, 90)):
        results.add(metrics.CPU_HOP, LOOP.name, ours * 1e-6)
        results.add(metrics.CPU_HOP, TENSORZERO, theirs * 1e-6)
    (judged,) = (verdict for verdict in verdicts(results) if verdict.figure is not None)
    assert judged.figure == pytest.approx(1.05)
    assert judged.reached
