"""`python -m bench`: measure the proxy beside its peers, and print one table."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Final

import click

from bench.certificates import Certificates, NoCertificatesError, make_certificates
from bench.effort import FULL, QUICK, WARM_UP
from bench.gateways import DIRECT, LOOP, PROXY, gateways, proxy, subjects
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
from bench.site import Gateway, asking_https, over_https, plain_name
from bench.subjects import Subject

BESIDE: Final = "beside"
_OURS: Final = (PROXY, BESIDE)
INTERRUPTED: Final = 130
_HERE: Final = Path(__file__).parent
_NAMES: Final = tuple(subject.name for subject in subjects())
HTTP: Final = "http"
HTTPS: Final = "https"


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--quick", is_flag=True, help="Fewer streams and no repetitions: about four minutes.")
@click.option("--write", is_flag=True, help="Keep the results in bench/RESULTS.md, with a chart.")
@click.option(
    "--only",
    type=click.Choice(_NAMES),
    multiple=True,
    help="Measure this column (and direct). Repeat it for more columns.",
)
@click.option(
    "--upstream",
    type=click.Choice([HTTP, HTTPS]),
    help="Measure only the columns with such upstreams; by default both.",
)
@click.option(
    "--scenario",
    type=click.Choice(SCENARIOS),
    multiple=True,
    help="Run only this scenario. Repeat it for more scenarios.",
)
@click.option("--repeats", type=click.IntRange(1, 20), help="How often to run each load.")
@click.option(
    "--beside",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Also measure the proxy of another working tree, in turn with this one.",
)
def main(  # noqa: PLR0913  # one for each option
    *,
    quick: bool,
    write: bool,
    only: Sequence[str],
    upstream: str | None,
    scenario: Sequence[str],
    repeats: int | None,
    beside: Path | None,
) -> None:
    """Measure the proxy beside its peers, and print one table.

    Load goes to this machine only, and the run ends everything that it starts. `make bench-peers`
    installs peers. The exit code is 1 if a run of the proxy is void.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # even if a shell ignores the signal
    signal.signal(signal.SIGTERM, _interrupt)
    effort = QUICK if quick else FULL
    if repeats is not None:
        effort = replace(effort, repeats=repeats)
    chosen, servers, pairs = _choose(only, upstream, beside)
    allow_many_files()
    cores = choose_cores()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        stack.enter_context(pinned({cores.load}))
        made = _certificates(servers, folder)
        scripted = stack.enter_context(
            started("upstream", upstream_launch(made), folder / "upstream", {cores.load})
        )
        authority = str(made.authority) if made else ""
        bench = Bench(cores, folder, scripted, servers, chosen, effort, _tell, authority)
        first_answer(scripted, DIRECT, WARM_UP, bench.numbers)
        run(bench, frozenset(scenario or SCENARIOS))
    report = Report(bench.results, chosen, servers, pairs)
    click.echo(report.summary())
    if write:
        report.write(_HERE, _command())
    failed = {plain_name(each.subject.gateway) for each in bench.results.void}
    sys.exit(0 if failed.isdisjoint(_OURS) else 1)


def _choose(
    only: Sequence[str], upstream: str | None, beside: Path | None
) -> tuple[tuple[Subject, ...], dict[str, Gateway], Sequence[tuple[str, str]]]:
    """The columns, their gateways by name, and the columns of ratios.

    Direct is always there, because others are compared with it. The other working tree has a column
    beside each one of this tree's loop.
    """
    known = gateways()
    chosen = tuple(
        each
        for each in subjects()
        if not each.gateway
        or ((not only or each.name in only) and upstream in (None, _asks(known[each.gateway])))
    )
    pairs: Sequence[tuple[str, str]] = PAIRS
    if beside is not None:
        other = proxy(beside.resolve(), name=BESIDE)
        known |= {each.name: each for each in (other, over_https(other))}
        column = replace(LOOP, name=BESIDE, gateway=BESIDE)
        twins = ((LOOP, column), (asking_https(LOOP), asking_https(column)))
        chosen = (*chosen, *(twin for ours, twin in twins if ours in chosen))
        pairs = (*PAIRS, (LOOP.name, BESIDE))
    return chosen, {name: known[name] for each in chosen if (name := each.gateway)}, pairs


def _asks(gateway: Gateway) -> str:
    return HTTPS if gateway.is_secure else HTTP


def _certificates(servers: Mapping[str, Gateway], folder: Path) -> Certificates | None:
    """Certificates for the upstream, if any gateway that asks over TLS is there to measure."""
    if any(each.is_secure and not each.missing() for each in servers.values()):
        return make_certificates(folder / "certificates")
    return None


def _tell(line: str) -> None:
    click.echo(line, err=True)


def _command() -> str:
    options = " ".join(sys.argv[1:])
    return "make bench" + (f' ARGS="{options}"' if options else "")


def _interrupt(_: int, __: FrameType | None) -> None:
    """Act as on Ctrl-C. The event loop swallows what a handler raises in its callbacks."""
    signal.raise_signal(signal.SIGINT)


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (NotStartedError, NoCertificatesError) as error:
        click.echo(f"bench: {error}", err=True)
        sys.exit(1)
