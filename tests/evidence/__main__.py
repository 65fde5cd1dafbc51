"""`make evidence`: how well quotes, support and missing figures are judged. No model is asked."""

from __future__ import annotations

import time
from collections.abc import Iterable

import click

from proxy.core.evidence.shelf import Shelf
from tests.evidence.figures import cases
from tests.evidence.labelled import FILES, HOLDOUT, installed, labelled
from tests.evidence.measure import figures_of, support_of
from tests.evidence.pairs import Pair, pairs
from tests.evidence.speed import seconds_of_a_long_answer, seconds_of_a_short_answer


@click.command()
@click.option("--cases", "count", type=click.IntRange(1), default=5_000, help="Figures to draw.")
@click.option("--seed", type=int, help="Draws the same figures again.  [by the clock]")
def main(count: int, seed: int | None) -> None:
    """Print how often support and missing figures are judged right."""
    seed = time.time_ns() % 2**32 if seed is None else seed
    folder = installed()
    if folder is None:
        click.echo("contexttrace is not installed: make evidence installs it.")
    else:
        _tell(f"contexttrace, {len(FILES)} files", labelled(folder, *FILES))
        _tell("contexttrace, holdout", labelled(folder, HOLDOUT))
    _tell("own, five languages", pairs())
    found = figures_of(cases(count, seed))
    click.echo(f"figures, seed {seed}")
    click.echo(f"  false alarms              {found.false_alarms} of {found.held}")
    click.echo(f"  changed figures missed    {found.missed} of {found.changed}")
    for shelf, passages in ((Shelf(), "read for it"), (Shelf(10**6), "read before")):
        milliseconds = seconds_of_a_short_answer(shelf) * 1_000
        click.echo(f"three citations, passages {passages}  {milliseconds:.2f} ms")
    click.echo(
        f"an answer of 100,000 characters, 1,000 markers  {seconds_of_a_long_answer():.2f} s"
    )


def _tell(name: str, sentences: Iterable[Pair]) -> None:
    found = support_of(sentences)
    click.echo(f"{name}: {found.given.total()} sentences")
    click.echo(f"  precision                 {found.precision:.3f}")
    click.echo(f"  with contradicted ones    {found.precision_with_contradicted:.3f}")
    click.echo(f"  recall                    {found.recall:.3f}")
    contradicted = found.called["contradicted"], found.given["contradicted"]
    click.echo("  contradicted, yet called supported  {} of {}".format(*contradicted))


if __name__ == "__main__":
    main()
