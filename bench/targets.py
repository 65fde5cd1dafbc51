"""The project's own targets, and whether the results reach them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bench import metrics
from bench.gateways import LOOP
from bench.metrics import Over, value_over
from bench.peers import LITELLM, TENSORZERO
from bench.results import Results
from bench.site import OF_HTTPS
from bench.stats import ratio

_MANY: Final = metrics.level(64)


@dataclass(frozen=True, slots=True)
class Target:
    """A target. `figure` takes the value from the results; None if it was not measured."""

    title: str
    unit: str
    limit: float
    figure: Callable[[Results], float | None]
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target with the measured value."""

    target: Target
    figure: float | None

    @property
    def reached(self) -> bool | None:
        """None if it was not measured."""
        if self.figure is None:
            return None
        limit = self.target.limit
        return self.figure >= limit if self.target.at_least else self.figure <= limit

    def describe(self) -> str:
        """One line."""
        target = self.target
        word = {True: "reached", False: "not reached", None: "not measured"}[self.reached]
        sign = "≥" if target.at_least else "≤"
        unit = f" {target.unit}" if target.unit else ""
        measured = "" if self.figure is None else f"{self.figure:.2f}{unit}, "
        return f"{word}: {target.title}: {measured}target {sign} {target.limit:g}{unit}"


def verdicts(results: Results) -> tuple[Verdict, ...]:
    return tuple(Verdict(target, target.figure(results)) for target in TARGETS)


def _loop(
    key: str, over: Over = Over.NOTHING, scale: float = 1.0
) -> Callable[[Results], float | None]:
    """A value of the proxy with its loop."""

    def figure(results: Results) -> float | None:
        value = value_over(results, key, LOOP.name, over, loops=True)
        return None if value is None else value * scale

    return figure


def _against(key: str, peer: str, over: str = "") -> Callable[[Results], float | None]:
    """The proxy with its loop ÷ a peer that passes through. `over` may be OF_HTTPS."""
    return _ratio(key, LOOP.name + over, key, peer + over)


def _ratio(key: str, subject: str, of: str, of_subject: str) -> Callable[[Results], float | None]:
    return lambda results: ratio(results.of(key, subject), results.of(of, of_subject))


def _scaled(results: Results) -> float | None:
    """The gain of a second core, of which load and upstream take nearly half during this run."""
    one, two = (
        ratio(results.of(workers, LOOP.name), results.of(metrics.cores_of(workers), LOOP.name))
        for workers in (metrics.ONE_WORKER, metrics.TWO_WORKERS)
    )
    factor = ratio(two, one)
    return None if factor is None else 2 * factor


TARGETS: Final = (
    Target(
        "CPU per streamed chunk, 64 streams, loop ÷ TensorZero pass-through",
        "",
        1.05,
        _against(metrics.cpu_chunk(_MANY), TENSORZERO),
    ),
    Target(
        "CPU per streamed chunk, 64 streams, https upstreams, loop ÷ TensorZero pass-through",
        "",
        1.05,
        _against(metrics.cpu_chunk(_MANY), TENSORZERO, OF_HTTPS),
    ),
    Target(
        "CPU per upstream request of an answer ÷ TensorZero per pass-through",
        "",
        1.05,
        _against(metrics.CPU_HOP, TENSORZERO),
    ),
    Target(
        "CPU per upstream request of an answer, https upstreams, ÷ TensorZero per pass-through",
        "",
        1.05,
        _against(metrics.CPU_HOP, TENSORZERO, OF_HTTPS),
    ),
    Target(
        "answers a second (3 upstream requests each) ÷ LiteLLM pass-throughs a second",
        "",
        15,
        _against(metrics.ANSWERS, LITELLM),
        at_least=True,
    ),
    Target(
        "added time to first token over the upstream's delays, one stream, median",
        "ms",
        1,
        _loop(metrics.first_token(50, metrics.level(1)), Over.DELAYS, 1e3),
    ),
    Target(
        "added gap between tokens, 64 streams, p99, over direct",
        "ms",
        0.5,
        _loop(metrics.gap(99, _MANY), Over.DIRECT, 1e3),
    ),
    Target("memory per open stream, 1,000 open", "kB", 50, _loop(metrics.MEMORY, scale=1e-3)),
    Target("start to first answer", "s", 0.3, _loop(metrics.START)),
    Target("idle memory", "MB", 50, _loop(metrics.IDLE, scale=1e-6)),
    Target(
        "time to first answer token, hybrid mode ÷ the sequential loop of LightOn's guide",
        "",
        0.5,
        _ratio(metrics.HYBRID_FIRST, LOOP.name, metrics.GUIDE_FIRST, metrics.DIRECT),
    ),
    Target(
        "answers a second, 2 workers with two cores ÷ 1 with one, by the cores that they had",
        "",
        1.8,
        _scaled,
        at_least=True,
    ),
)
"""Ratios are of medians: of five runs if they repeat five times."""
