"""Renders the table of what happens when, and finds it in the page that shows it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.faults.rows import Row

PAGE: Final = Path(__file__).parents[2] / "docs" / "operations.md"
COMMAND: Final = ".venv/bin/python -m tests.faults --write"


def line(cells: Row) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def table(head: Row, rows: Iterable[Row]) -> str:
    """A table of Markdown."""
    return "".join(f"{line(each)}\n" for each in (head, tuple("---" for _ in head), *rows))


def shown(head: Row) -> list[str]:
    """The lines of the table with this head that the page shows."""
    found = _pattern(head).search(PAGE.read_text(encoding="utf-8"))
    assert found, f"docs/operations.md has no table of the {head[0]}"
    return found[0].splitlines()


def replaced(page: str, head: Row, rows: Iterable[Row]) -> str:
    """`page` with its table of this head written anew."""
    return _pattern(head).sub(lambda _: table(head, rows), page)


def _pattern(head: Row) -> re.Pattern[str]:
    return re.compile(rf"^\| {re.escape(head[0])} \|.*\n(?:\|.*\n)*", re.MULTILINE)
