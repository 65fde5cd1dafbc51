"""The one table: a row for each value, a column for each subject, ratios at the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.metrics import ROWS, Row, value_over
from bench.results import Results
from bench.stats import ratio
from bench.subjects import Subject

NOTHING: Final = "-"


def render_table(
    results: Results, subjects: Sequence[Subject], pairs: Sequence[tuple[str, str]]
) -> str:
    """Markdown that also reads well as plain text. `pairs` are the columns of ratios."""
    present = [subject for subject in subjects if subject.name not in results.absent]
    header = ["", *(each.name for each in present), *(f"{a} ÷ {b}" for a, b in pairs)]
    body = []
    for row in ROWS:
        cells = [_cell(results, row, subject) for subject in present]
        if any(cell != NOTHING for cell in cells):
            body.append([_title(row), *cells, *(_ratio(results, row, pair) for pair in pairs)])
    lines = _aligned([header, *body])
    rule = "|".join(["", "---", *(["---:"] * (len(header) - 1)), ""])
    absent = [
        f"| {each.name} | not measured: {_plain(results.absent[each.name])} |"
        for each in subjects
        if each.name in results.absent
    ]
    return "\n".join([lines[0], rule, *lines[1:], *absent]) + "\n"


def _title(row: Row) -> str:
    return f"{row.title} ({row.unit})" if row.unit else row.title


def _cell(results: Results, row: Row, subject: Subject) -> str:
    """The row's values of a subject, with a slash between them."""
    values = [
        value_over(results, key, subject.name, row.over, loops=subject.searches) for key in row.keys
    ]
    if all(value is None for value in values):
        return NOTHING
    return " / ".join(NOTHING if each is None else _number(each, row) for each in values)


def _number(value: float, row: Row) -> str:
    return f"{value * row.scale:.{row.digits}f}"


def _ratio(results: Results, row: Row, pair: tuple[str, str]) -> str:
    if not row.compared:
        return ""
    (key,) = row.keys
    found = ratio(results.of(key, pair[0]), results.of(key, pair[1]))
    return NOTHING if found is None else f"{found:.2f}"


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "| "
        + " | ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in rows
    ]


def _plain(text: str) -> str:
    """Text for a cell: on one line, not too long, without characters that would end the cell."""
    return " ".join(text.replace("|", "/").split())[:200]
