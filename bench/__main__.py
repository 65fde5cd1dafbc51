"""`python -m bench`: measure the proxy beside its peers, and print one table."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Final

import click

from bench.effort import FULL, QUICK, WARM_UP
from bench.gateways import DIRECT, LOOP, gateways, proxy, subjects
from bench.report import PAIRS, Report
from bench.scenarios import SCENARIOS, run
from bench.servers import (
    NotStartedError,
    allow_many_files,
    choose_cores,
    first_answer,
    pinned,
    started,
    upstream_launch,
)
from bench.session import Bench

BESIDE: Final = "beside"
_OURS: Final = (LOOP.gateway, BESIDE)
INTERRUPTED: Final = 130
_HERE: Final = Path(__file__).parent
_NAMES: Final = tuple(subject.name for subject in subjects())


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--quick", is_flag=True, help="Fewer streams and no repetitions: about two minutes.")
@click.option("--write", is_flag=True, help="Keep the results in bench/RESULTS.md, with a chart.")
@click.option(
    "--only",
    type=click.Choice(_NAMES),
    multiple=True,
    help="Measure this column (and direct); can be given more than once.",
)
@click.option(
    "--scenario",
    type=click.Choice(SCENARIOS),
    multiple=True,
    help="Run this scenario only; can be given more than once.",
)
@click.option("--repeats", type=click.IntRange(1, 20), help="How often each load is put on.")
@click.option(
    "--beside",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Also measure the proxy of another working tree, in turns with this one.",
)
def main(  # noqa: PLR0913  # one for each option
    *,
    quick: bool,
    write: bool,
    only: Sequence[str],
    scenario: Sequence[str],
    repeats: int | None,
    beside: Path | None,
) -> None:
    """Measure the proxy beside its peers, and print one table.

    Load goes to this machine only, and all that is started is ended. `make bench-peers` installs
    peers. The exit code is 1 if a run of the proxy is void.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell had it ignored
    signal.signal(signal.SIGTERM, _interrupt)
    effort = QUICK if quick else FULL
    if repeats is not None:
        effort = replace(effort, repeats=repeats)
    chosen = tuple(
        subject for subject in subjects() if not only or subject.name in (*only, DIRECT.name)
    )
    wanted = {subject.gateway for subject in chosen}
    servers = {name: each for name, each in gateways().items() if name in wanted}
    pairs: Sequence[tuple[str, str]] = PAIRS
    if beside is not None:
        chosen = (*chosen, replace(LOOP, name=BESIDE, gateway=BESIDE))
        servers[BESIDE] = proxy(beside.resolve(), name=BESIDE)
        pairs = (*PAIRS, (LOOP.name, BESIDE))
    allow_many_files()
    cores = choose_cores()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        stack.enter_context(pinned({cores.load}))
        upstream = stack.enter_context(
            started("upstream", upstream_launch(), folder / "upstream", {cores.load})
        )
        bench = Bench(cores, folder, upstream, servers, chosen, effort, _tell)
        first_answer(upstream, DIRECT, WARM_UP, bench.numbers)
        run(bench, frozenset(scenario or SCENARIOS))
    report = Report(bench.results, chosen, servers, pairs)
    click.echo(report.summary())
    if write:
        report.write(_HERE, _command())
    sys.exit(1 if any(each.subject.gateway in _OURS for each in bench.results.void) else 0)


def _tell(line: str) -> None:
    click.echo(line, err=True)


def _command() -> str:
    options = " ".join(sys.argv[1:])
    return "make bench" + (f' ARGS="{options}"' if options else "")


def _interrupt(_: int, __: FrameType | None) -> None:
    """As Ctrl-C, which the event loop expects: it swallows what is raised in its callbacks."""
    signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except NotStartedError as error:
        click.echo(f"bench: {error}", err=True)
        sys.exit(1)
