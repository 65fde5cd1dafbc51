"""`rag-proxy usage`: what the lines of the usage file add up to."""

from __future__ import annotations

import csv
import errno
import gzip
import io
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, cast

import click

from proxy.errors import SettingsError
from proxy.settings import load_settings
from proxy.telemetry.rotated import with_rotated
from proxy.telemetry.usage_lines import read_lines
from proxy.telemetry.usage_sums import COUNTS, By, Sums, Tally

_NOBODY: Final[Mapping[str, str]] = {
    "key": "(no key)",
    "person": "(no person)",
    "profile": "(none)",
    "model": "(no answer)",
}
"""What stands for the empty name."""
_AT_ONCE: Final = 1_000_000
_COLUMNS: Final = ("answers", "failed", "tokens_in", "tokens_out", "tokens_cached", "searches")


def run(  # noqa: PLR0913 - the options of the command
    config: Path | None,
    files: Sequence[Path],
    by: By,
    *,
    since: str | None = None,
    until: str | None = None,
    as_csv: bool = False,
) -> int:
    """Print the sums of the days from `since` to `until`. Returns 1 if a file cannot be read."""
    tally = Tally(by, since or "", until or "9999")
    is_whole = True
    for path in files or _files_of_settings(config):
        try:
            with _opened(path) as file:
                for lines, _ in read_lines(file, _AT_ONCE):
                    tally.read(lines.split(b"\n"))
        except (OSError, EOFError, zlib.error) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or str(error)
            click.echo(f"rag-proxy: {path}: cannot be read ({why})", err=True)
            is_whole = False
    click.echo(_as_csv(tally, by) if as_csv else _table(tally, by), nl=False)
    if tally.broken:
        how_many = "1 line is" if tally.broken == 1 else f"{tally.broken} lines are"
        click.echo(f"rag-proxy: {how_many} broken and not counted", err=True)
    return 0 if is_whole else 1


def _files_of_settings(config: Path | None) -> list[Path]:
    path = load_settings(config).usage_file
    if path is None:
        raise SettingsError("RAG_PROXY_USAGE_FILE is not set: set it, or name a --usage-file")
    return with_rotated(Path(path))


def _opened(path: Path) -> BinaryIO:
    if path.is_char_device():
        raise OSError(errno.EINVAL, "it is a device")  # some can be read for ever
    if path.suffix == ".gz":
        return cast("BinaryIO", gzip.open(path))
    return path.open("rb")


def _rows(tally: Tally, by: By) -> list[tuple[str, Sums]]:
    """By day in order, else the largest first; the totals last."""
    groups = sorted(tally.groups.items())
    if by != "day":
        groups.sort(key=lambda row: -row[1].counts["tokens"])
    return [*groups, ("total", tally.total)]


def _table(tally: Tally, by: By) -> str:
    head = [by, *(name.replace("_", " ") for name in _COLUMNS), "EUR"]
    rows = [head]
    for name, sums in _rows(tally, by):
        counts = sums.counts
        cells = [f"{counts[each]:,}" for each in _COLUMNS]
        rows.append([_shown(name, by), *cells, _cost(sums)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [each.rjust(width) for each, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join((first.ljust(widths[0]), *cells)).rstrip())
    total = tally.total.counts
    if unpriced := total["unpriced"]:
        lines.append(f"≥: {unpriced:,} of the answers have no price in full. See `prices`.")
    if uncounted := total["uncounted_rounds"]:
        lines.append(f"Rounds that broke off, whose tokens nobody counted: {uncounted:,}.")
    return "\n".join(lines) + "\n"


def _shown(name: str, by: By) -> str:
    """A name as a word of the table, whatever an upstream has written into it."""
    shown = name or _NOBODY.get(by, "")
    return shown if shown.isprintable() else repr(shown)


def _cost(sums: Sums) -> str:
    return f"{'' if sums.cost is not None else '≥'}{sums.known_cost:,.4f}"


def _as_csv(tally: Tally, by: By) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([by, *COUNTS, "cost", "known_cost"])
    for name, sums in _rows(tally, by):
        document = sums.document()
        writer.writerow([name, *("" if each is None else each for each in document.values())])
    return out.getvalue()
