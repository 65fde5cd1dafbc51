"""`python -m bench.access`: what a client key, its limits and a line of usage cost an answer.

Two proxies stand before the scripted upstream. One asks nobody for a key, limits nothing and writes
no usage; the other does all three. They take turns, so anything else that happens on the machine
meets both, and the cheapest run of each counts: it is the one that was disturbed least. Where a
process happens to lie in memory makes a difference of some percent for as long as it runs, so that
is done with several pairs of processes, and the pair in the middle decides.
"""

from __future__ import annotations

import hashlib
import itertools
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final

import click

from bench.effort import ANSWER, FULL, WARM_UP
from bench.gateways import DIRECT, HOME, LOOP, proxy
from bench.loads import Place, measure_answers
from bench.procstat import machine
from bench.servers import Launch, choose_cores, first_answer, pinned, started, upstream_launch
from bench.session import Bench
from bench.site import CLIENT_KEY, Gateway, Site
from bench.subjects import Subject

MOST: Final = 1.1
"""The most that an answer with all of it may cost, compared with one without."""
_LONGEST_S: Final = 30.0
_OPEN: Final = "without"
_KEYED: Final = "with key, limits and usage"
_KEY_FILE: Final = f"""\
[keys.bench]
id = "bench"
sha256 = "{hashlib.sha256(CLIENT_KEY.encode()).hexdigest()}"
workspaces = [1]
models = "any"
retrieval = ["tool"]
requests_per_minute = 1000000
tokens_per_minute = 1000000000
concurrent = 1000
daily_tokens = 1000000000000
monthly_tokens = 1000000000000
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """The CPU seconds of an answer, without and with, each by its cheapest run."""

    without: float
    keyed: float

    @property
    def ratio(self) -> float:
        return self.keyed / self.without


def median_ratio(costs: Sequence[Cost]) -> float:
    return median(each.ratio for each in costs)


def describe(costs: Sequence[Cost], dearer: str = _KEYED) -> str:
    """What the pairs cost, as one sentence. `dearer` is what the second of each pair does."""
    without = median(each.without for each in costs) * 1e6
    keyed = median(each.keyed for each in costs) * 1e6
    ratios = ", ".join(f"{ratio:.3f}" for ratio in sorted(each.ratio for each in costs))
    return (
        f"CPU of an answer with one search, not streamed: {without:.0f} µs {_OPEN}, {keyed:.0f} µs "
        f"{dearer}. Times as much, in {len(costs)} pairs of processes: {ratios}; the median is "
        f"{median_ratio(costs):.3f}."
    )


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pairs", type=click.IntRange(1), default=9, help="Pairs of processes.")
@click.option("--runs", type=click.IntRange(1), default=8, help="Runs of each process.")
@click.option("--answers", type=click.IntRange(1), default=100, help="Answers of one run.")
def main(pairs: int, runs: int, answers: int) -> None:
    """Measure the CPU of an answer with a key, limits and usage beside one without.

    The exit code is 1 if it is more than 1.1 times as much.
    """
    costs = measure(pairs, runs, answers)
    click.echo(machine().describe())
    click.echo(describe(costs))
    sys.exit(0 if median_ratio(costs) <= MOST else 1)


def measure(
    pairs: int, runs: int, answers: int, of: tuple[Gateway, Gateway] | None = None
) -> list[Cost]:
    """The cost by each of so many pairs of processes; by default, with and without access."""
    without, keyed = of or gateways()
    subjects = Subject(without.name, without.name, searches=True), replace(LOOP, gateway=keyed.name)
    servers = {each.name: each for each in (without, keyed)}
    cores = choose_cores()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        stack.enter_context(pinned({cores.load}))
        launch = upstream_launch()
        scripted = stack.enter_context(
            started("upstream", launch, folder / "upstream", {cores.load})
        )
        first_answer(scripted, DIRECT, WARM_UP, itertools.count())
        bench = Bench(cores, folder, scripted, servers, subjects, FULL, click.echo)
        return [_pair(bench, runs, answers) for _ in range(pairs)]


def _pair(bench: Bench, runs: int, answers: int) -> Cost:
    """The cost by a new process of each kind, which take turns."""
    with ExitStack() as stack:
        without, keyed = (
            bench.start(stack, bench.gateways[each.gateway], {bench.cores.server}, each)[0]
            for each in bench.subjects
        )
        costs = [(_cost_of(without, answers), _cost_of(keyed, answers)) for _ in range(runs)]
    return Cost(min(each for each, _ in costs), min(each for _, each in costs))


def gateways() -> tuple[Gateway, Gateway]:
    """The proxy without anything of access, and with all of it."""
    plain = proxy(HOME.parent)

    def without(site: Site) -> Launch:
        return open_to_all(plain.launch(site), {})

    def keyed(site: Site) -> Launch:
        return open_to_all(
            plain.launch(site),
            {
                "RAG_PROXY_KEYS_FILE": site.write("keys.toml", _KEY_FILE),
                "RAG_PROXY_USAGE_FILE": str(site.folder / "usage.jsonl"),
            },
        )

    return replace(plain, name=_OPEN, launch=without), replace(plain, name=_KEYED, launch=keyed)


def open_to_all(launch: Launch, more: Mapping[str, str]) -> Launch:
    """Without the key that opens everything, and with `more` of the environment."""
    kept = {name: value for name, value in launch.env.items() if name != "RAG_PROXY_API_KEYS"}
    return replace(launch, env={**kept, **more})


def _cost_of(place: Place, answers: int) -> float:
    done = measure_answers(place, ANSWER, at_once=8, seconds=_LONGEST_S, most=answers)
    return done.usage.server_s / done.count


if __name__ == "__main__":
    main()
