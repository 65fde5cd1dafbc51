"""`make fuzz`: everything that reads input, for a while. Nothing leaves this machine."""

from __future__ import annotations

import secrets
import sys
import traceback
from pathlib import Path

import click

from tests.fuzz.runner import Bounds, Failure, UnavailableError, draw, fault_of, run
from tests.fuzz.targets import TARGETS

_SHOWN = 2_000
_FOLDER = Path(".fuzz")


@click.command()
@click.option("--seconds", type=click.FloatRange(0), default=60, help="For all targets together.")
@click.option("--cases", type=click.IntRange(1), default=1_000_000, help="The most of each target.")
@click.option("--seed", type=click.IntRange(0), help="Draws the same cases again.  [a new one]")
@click.option("--only", type=click.Choice(list(TARGETS)), multiple=True, help="May be repeated.")
@click.option("--number", type=click.IntRange(0), help="Try this one case of --seed and --only.")
@click.option(
    "--replay", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Try this file."
)
def main(  # noqa: PLR0913  # the options of a command
    *,
    seconds: float,
    cases: int,
    seed: int | None,
    only: tuple[str, ...],
    number: int | None,
    replay: Path | None,
) -> None:
    """Feed broken input to whatever reads input. Exits with 1 if something did not stand it."""
    seed = secrets.randbelow(2**32) if seed is None else seed
    names = only or tuple(TARGETS)
    if replay is not None or number is not None:
        if len(only) != 1:
            raise click.UsageError("--replay and --number need one --only.")
        sys.exit(_try_one(only[0], seed, number, replay))
    click.echo(f"seed {seed}")
    bounds = Bounds(cases, seconds / len(names))
    are_ok = [_run(name, seed, bounds) for name in names]
    sys.exit(not all(are_ok))


def _run(name: str, seed: int, bounds: Bounds) -> bool:
    """Whether the target was tried and stood it."""
    try:
        with TARGETS[name]() as target:
            count, failure = run(target, seed, bounds)
    except UnavailableError as fault:
        click.echo(f"{name:8} NOT TRIED: {fault}")
        return False
    click.echo(f"{name:8} {count} cases, {'FAILED' if failure else 'ok'}")
    if failure:
        _tell(failure)
    return failure is None


def _try_one(name: str, seed: int, number: int | None, replay: Path | None) -> int:
    with TARGETS[name]() as target:
        case = replay.read_bytes() if replay else draw(target, seed, number or 0)
        fault = fault_of(target, case)
    click.echo(repr(case[:_SHOWN]))
    click.echo("".join(traceback.format_exception(fault)) if fault else "ok")
    return int(fault is not None)


def _tell(failure: Failure) -> None:
    _FOLDER.mkdir(exist_ok=True)
    file = _FOLDER / f"{failure.target}-{failure.seed}-{failure.number}"
    file.write_bytes(failure.smaller)
    click.echo("".join(traceback.format_exception(failure.fault)))
    click.echo(f"The smallest case that failed: {failure.smaller[:_SHOWN]!r}")
    options = f"--only {failure.target} --seed {failure.seed} --number {failure.number}"
    click.echo(f'Try it again:   make fuzz ARGS="{options}"')
    click.echo(f'The small one:  make fuzz ARGS="--only {failure.target} --replay {file}"')


if __name__ == "__main__":
    main()
