"""One row of the table: a client's program, started with its lines, asked every check."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench.sockets import free_port
from tests.clients.catalogue import Client
from tests.clients.checks import CHECKS, Check, Outcome
from tests.clients.front import StartError, in_front
from tests.clients.run import Player, outcomes, prepared
from tests.clients.serving import Served
from tests.clients.snippets import FRONT, PROXY

ROOT: Final = Path(__file__).parents[2]
_SHORTER: Final = {"3584": "384"}
"""The stand-in's vectors are shorter than those of the model that the docs name."""


def played(
    client: Client, programs: Path, folder: Path, served: Served, docs: str
) -> Iterator[tuple[Check, Outcome]]:
    """Play a client in `folder`. `programs` is the folder of what its installation brought."""
    port = free_port()
    replaced = {PROXY: served.url, FRONT: f"http://127.0.0.1:{port}", **_SHORTER}
    program = prepared(client, folder, docs, replaced)
    command = (_interpreter(client, programs), program)
    player = Player(command, folder, _environment(client, programs))
    with ExitStack() as stack:
        if client.front:
            name, *options = (each.format(port=port) for each in client.front)
            try:
                stack.enter_context(in_front([str(programs / name), *options], folder, port))
            except StartError as error:
                yield from ((check, Outcome("failed", str(error))) for check in CHECKS)
                return
        yield from outcomes(client, player, served)


def _interpreter(client: Client, programs: Path) -> str:
    if client.program.endswith(".mjs"):
        return "node"
    return str(programs / "python") if client.kind == "python" else sys.executable


def _environment(client: Client, programs: Path) -> dict[str, str]:
    """Where the client is; and this checkout, for what runs in its environment."""
    ours = {"PYTHONPATH": str(ROOT)} if client.kind == "reused" else {}
    return {"CLIENT_PROGRAMS": str(programs), "RAG_PROXY_API_KEY": "any", **ours}
