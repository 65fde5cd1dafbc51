"""`make clients`: installs real clients, has each ask the proxy, and says what works.

Everything stays in build/clients. With `--write` the table goes into docs/clients.md.
"""

from __future__ import annotations

import datetime
import platform
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import click

from tests.clients.catalogue import CLIENTS, Client
from tests.clients.install import InstallError, installed
from tests.clients.run import Player, outcomes, prepared
from tests.clients.serving import Served, free_port, in_front, serving
from tests.clients.snippets import DOCS, FRONT, PROXY
from tests.clients.table import Row, table, written

ROOT: Final = Path(__file__).parents[2]
_FOLDER: Final = Path("build/clients")
_NAMES: Final = [client.name for client in CLIENTS]


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--only", type=click.Choice(_NAMES), multiple=True, help="May be repeated.")
@click.option("--write", is_flag=True, help="Write the table into docs/clients.md.")
def main(*, only: Sequence[str], write: bool) -> None:
    """Install clients, one at a time, and have each ask the proxy on its stand-ins.

    Ends with 1 if a client fails. One that cannot be installed is named, and does not fail.
    """
    if write and only:
        raise click.UsageError("a table needs all clients: --write goes without --only")
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
    with ExitStack() as stack:
        player = _player(client, programs, home, served, docs, stack)
        for check, outcome in outcomes(client, player, served):
            found[check.name] = outcome
            click.echo(f"  {check.title}: {outcome.verdict}{outcome.why and f': {outcome.why}'}")
    return Row(client, found)


def _player(  # noqa: PLR0913, PLR0917  # what a program is made of
    client: Client, programs: Path, home: Path, served: Served, docs: str, stack: ExitStack
) -> Player:
    folder = home / f"run-{client.name}"
    port = free_port()
    addresses = {PROXY: served.url, FRONT: f"http://127.0.0.1:{port}"}
    program = prepared(client, folder, docs, addresses)
    if client.front:
        name, *options = (each.format(port=port) for each in client.front)
        stack.enter_context(in_front([str(programs / name), *options], folder, port))
    return Player((_interpreter(client, programs), program), folder, _environment(programs))


def _interpreter(client: Client, programs: Path) -> str:
    if client.program.endswith(".mjs"):
        return "node"
    return str(programs / "python") if client.kind == "python" else sys.executable


def _environment(programs: Path) -> dict[str, str]:
    """What some programs need: where their client is, and the folder of this checkout."""
    return {"CLIENT_PROGRAMS": str(programs), "PYTHONPATH": str(ROOT)}


def _when_and_where() -> str:
    today = datetime.datetime.now(tz=datetime.UTC).date()
    node = "Node as installed"
    python = platform.python_version()
    machine = f"{platform.system()} {platform.machine()}"
    return f"Made on {today:%d %B %Y} on {machine}, with Python {python} and {node}."


if __name__ == "__main__":
    main()
