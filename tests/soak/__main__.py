"""`make soak`: many streams with faults, hang-ups and slow readers. Nothing leaves this machine."""

from __future__ import annotations

import asyncio
import platform
import secrets
import sys
import time
from datetime import UTC, datetime

import click

from bench.procstat import machine
from tests.soak.run import Bounds, Outcome, soak

_SHOWN = 20


@click.command()
@click.option("--streams", type=click.IntRange(1), default=1_000, help="With faults.")
@click.option("--at-once", type=click.IntRange(1), default=60, help="Of those with faults.")
@click.option("--crowd", type=click.IntRange(1), default=150, help="Streams that begin at once.")
@click.option("--slots", type=click.IntRange(1), default=20, help="What the model takes at once.")
@click.option("--seconds", type=click.FloatRange(1), default=600, help="Then no stream begins.")
@click.option("--seed", type=click.IntRange(0), help="Draws the same streams again.  [a new one]")
@click.option("--only", type=click.IntRange(0), multiple=True, help="This stream of --seed.")
def main(  # noqa: PLR0913  # the options of a command
    *,
    streams: int,
    at_once: int,
    crowd: int,
    slots: int,
    seconds: float,
    seed: int | None,
    only: tuple[int, ...],
) -> None:
    """Soak a proxy. Exits with 1 if it mixed texts up, broke a reply, or kept what it took."""
    seed = secrets.randbelow(2**32) if seed is None else seed
    began = time.monotonic()
    click.echo(f"seed {seed}")
    bounds = Bounds(streams, at_once, crowd, slots, seconds)
    outcome = asyncio.run(soak(seed, bounds, only))
    for line in lines_of(outcome):
        click.echo(line)
    click.echo(f"{time.monotonic() - began:.0f} s on {_where()}")
    if outcome.wrong:
        click.echo(f'Try it again: make soak ARGS="--seed {seed}"')
    sys.exit(bool(outcome.wrong))


def lines_of(outcome: Outcome) -> list[str]:
    """What to print of a soak."""
    lines = []
    for phase, ended in outcome.ended.items():
        counts = ", ".join(f"{count} {how}" for how, count in ended.most_common())
        lines.append(f"{phase}: {counts}")
    if outcome.skipped:
        lines.append(f"not begun, as the time was up: {outcome.skipped}")
    faults = ", ".join(f"{count} {fault}" for fault, count in sorted(outcome.faults.items()))
    lines.append(f"faults of the upstreams: {faults or 'none'}")
    lines.append(f"retries that answers tell of: {outcome.retries}")
    slowest = ", ".join(f"{each:.2f} s {phase}" for phase, each in outcome.slowest.items())
    lines.append(f"slowest answer of the quiet key: {slowest}")
    most, over = outcome.most_at_once, outcome.over_quota
    lines.append(f"crowd at the model: {most} at once, {over} beyond its slots")
    lines += [f"held {when}: {measures}" for when, measures in outcome.measures.items()]
    lines += [f"WRONG: {each}" for each in outcome.wrong[:_SHOWN]]
    if len(outcome.wrong) > _SHOWN:
        lines.append(f"... and {len(outcome.wrong) - _SHOWN} more")
    lines.append("WRONG" if outcome.wrong else "ok")
    return lines


def _where() -> str:
    when = datetime.now(UTC).date()
    return f"{machine().describe()}, Python {platform.python_version()}, {when}"


if __name__ == "__main__":
    main()
