"""`python -m tests.faults --write`: asks anew what happens when, and writes docs/operations.md."""

from __future__ import annotations

import asyncio

import click

from tests.faults.every import every_table
from tests.faults.table import PAGE, replaced, table


@click.command()
@click.option("--write", is_flag=True, help="Write the tables into docs/operations.md.")
def main(*, write: bool) -> None:
    """Make every fault happen, and print the tables of what came of it."""
    tables = asyncio.run(every_table())
    if not write:
        for head, rows in tables.items():
            click.echo(table(head, rows))
        return
    page = PAGE.read_text(encoding="utf-8")
    for head, rows in tables.items():
        page = replaced(page, head, rows)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
