"""Runs a client's checks against a running proxy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from tests.clients.catalogue import Client
from tests.clients.checks import CHECKS, Check, Heard, Outcome, judged
from tests.clients.program import PATIENCE_S, ProgramError, asked
from tests.clients.snippets import files

PROGRAMS: Final = Path(__file__).parent / "programs"


class Upstreams(Protocol):
    """What a run needs of the proxy and its stand-ins."""

    def forget(self) -> None:
        """Listen from here on."""

    def heard(self) -> Heard:
        """What the stand-ins have heard."""


@dataclass(frozen=True)
class Player:
    """How a client's program is started."""

    command: tuple[str, ...]
    folder: Path
    env: Mapping[str, str]


def prepared(client: Client, folder: Path, docs: str, addresses: Mapping[str, str]) -> str:
    """Put the program and the lines from the docs into `folder`; return the program's name.

    `addresses` are those in the docs, and what to write instead.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    suffix = Path(client.program).suffix
    shutil.copy(PROGRAMS / client.program, folder / f"program{suffix}")
    shutil.copy(PROGRAMS / f"told{suffix}", folder)
    for said, real in addresses.items():
        docs = docs.replace(said, real)
    for name, code in files(client.title, docs).items():
        (folder / name).write_text(code, encoding="utf-8")
    return f"program{suffix}"


def outcomes(
    client: Client,
    player: Player,
    upstreams: Upstreams,
    checks: Sequence[Check] = CHECKS,
    patience_s: float = PATIENCE_S,
) -> Iterator[tuple[Check, Outcome]]:
    """Ask one check after the other. After a program has failed the next check gets a new one."""
    waiting = list(checks)
    while waiting:
        with asked(player.command, player.folder, player.env, patience_s=patience_s) as program:
            for check in tuple(waiting):
                waiting.remove(check)
                question = client.questions.get(check.name, check.question)
                upstreams.forget()
                try:
                    seen = program.ask(check.name, question)
                except ProgramError as error:
                    yield check, Outcome("failed", str(error))
                    break
                yield check, judged(check, seen, upstreams.heard(), question)
