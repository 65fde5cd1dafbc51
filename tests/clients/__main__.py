"""`make clients`: installs real clients, has each ask the proxy, and says what works.

Everything stays in build/clients. With `--write` the table goes into docs/clients.md.
"""

from __future__ import annotations

import datetime as dt
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from tests.clients.catalogue import CLIENTS, Client
from tests.clients.install import InstallError, installed
from tests.clients.matrix import played
from tests.clients.serving import Served, serving
from tests.clients.snippets import DOCS
from tests.clients.table import Row, table, written

_FOLDER: Final = Path("build/clients")
_NAMES: Final = [client.name for client in CLIENTS]


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--only", type=click.Choice(_NAMES), multiple=True, help="May be repeated.")
@click.option("--write", is_flag=True, help="Write the table into docs/clients.md.")
def main(*, only: Sequence[str], write: bool) -> None:
    """Install clients, one at a time, and have each ask the proxy on its stand-ins.

    Ends with 1 if a client fails. One that cannot be installed is named, and is no failure.
    """
    if write and only:
        raise click.UsageError("A table needs all clients: --write goes without --only.")
    docs = DOCS.read_text(encoding="utf-8")
    chosen = [client for client in CLIENTS if not only or client.name in only]
    with serving() as served:
        rows = [_row(client, served, docs) for client in chosen]
    made = table(rows, _when_and_where())
    _FOLDER.mkdir(parents=True, exist_ok=True)
    (_FOLDER / "table.md").write_text(f"{made}\n", encoding="utf-8")
    if write:
        DOCS.write_text(written(docs, made), encoding="utf-8")
    sys.exit(any(row.failed for row in rows))


def _row(client: Client, served: Served, docs: str) -> Row:
    click.echo(f"{client.title} ({client.version})")
    home = (_FOLDER / client.folder).absolute()
    try:
        programs = installed(client, home)
    except InstallError as error:
        click.echo(f"  NOT INSTALLED: {error}")
        return Row(client, {}, f"not installed: {error}")
    found = {}
    for check, outcome in played(client, programs, home / f"run-{client.name}", served, docs):
        found[check.name] = outcome
        click.echo(f"  {check.title}: {outcome.verdict}{outcome.why and f': {outcome.why}'}")
    return Row(client, found)


def _when_and_where() -> str:
    today = dt.datetime.now(tz=dt.UTC).date()
    runtimes = f"Python {platform.python_version()}{_node()}"
    machine = f"{platform.system()} {platform.machine()}"
    return f"Made on {today.day} {today:%B %Y} with {runtimes} on {machine}."


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        return ""
    said = subprocess.run(  # noqa: S603 - the user's own
        [node, "--version"], capture_output=True, text=True, check=True, timeout=120
    )
    return f" and Node {said.stdout.strip().removeprefix('v')}"


if __name__ == "__main__":
    main()
