"""`python -m bench.counting`: what counting for `/metrics` costs an answer.

Two proxies stand before the scripted upstream: one counts, as it does by default, and one has
`metrics = false`. They are measured in turns, as `bench.access` says.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Final

import click

from bench.access import describe, measure, median_ratio, open_to_all
from bench.gateways import HOME, proxy
from bench.procstat import machine
from bench.servers import Launch
from bench.site import Gateway, Site

MOST: Final = 1.03
"""The most that an answer may cost that is counted, compared with one that is not."""
_COUNTED: Final = "with metrics"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pairs", type=click.IntRange(1), default=9, help="Pairs of processes.")
@click.option("--runs", type=click.IntRange(1), default=8, help="Runs of each process.")
@click.option("--answers", type=click.IntRange(1), default=100, help="Answers of one run.")
def main(pairs: int, runs: int, answers: int) -> None:
    """Measure the CPU of an answer that is counted beside one that is not.

    The exit code is 1 if it is more than 1.03 times as much.
    """
    costs = measure(pairs, runs, answers, gateways())
    click.echo(machine().describe())
    click.echo(describe(costs, _COUNTED))
    sys.exit(0 if median_ratio(costs) <= MOST else 1)


def gateways() -> tuple[Gateway, Gateway]:
    """The proxy that counts nothing, and the one that counts."""
    plain = proxy(HOME.parent)

    def silent(site: Site) -> Launch:
        return open_to_all(plain.launch(site), {"RAG_PROXY_METRICS": "false"})

    def counting(site: Site) -> Launch:
        return open_to_all(plain.launch(site), {})

    return replace(plain, name="without", launch=silent), replace(
        plain, name=_COUNTED, launch=counting
    )


if __name__ == "__main__":
    main()
