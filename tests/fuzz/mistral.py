"""Whatever models say and clients make of it, Mistral's own validator accepts each history.

mistral-common checks what is sent to Mistral's models. It is asked in two versions: before 1.12 it
refused more, and model servers run it for long.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final, Protocol

from tests.fuzz.conversations import Choices, Players
from tests.fuzz.runner import UnavailableError

FOLDER: Final = Path(__file__).parents[2] / "build" / "mistral-common"
VERSIONS: Final = ("old", "new")
_INSTALLED: Final = ".installed"
_SCRIPT: Final = Path(__file__).with_name("mistral_validator.py")


class Validator(Protocol):
    """Someone who knows what Mistral's models accept."""

    name: str

    def complaint(self, body: Mapping[str, Any]) -> str:
        """What is wrong with a request; "" if nothing is."""


class Mistral:
    """Conversations through the proxy with a model of Mistral's. A case decides what happens."""

    name = "mistral"

    def __init__(self, runner: asyncio.Runner, validators: Sequence[Validator]) -> None:
        self._runner = runner
        self._validators = validators
        self._players = Players()

    def draw(self, random: Random) -> bytes:
        return random.randbytes(random.choice((20, 60, 150)))

    def check(self, case: bytes) -> None:
        for body in self._runner.run(self._players.play(Choices(case))):
            for each in self._validators:
                said = each.complaint(body)
                assert not said, f"{each.name}: {said}\n{json.dumps(body['messages'], indent=1)}"


class MistralCommon:
    """One version of mistral-common, in a process of its own."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self._process = process

    def complaint(self, body: Mapping[str, Any]) -> str:
        process = self._process
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(body) + "\n")
        process.stdin.flush()
        return str(json.loads(process.stdout.readline()))


_PATIENCE_S: Final = 60
"""How long a killed process may take to end."""


@contextmanager
def mistral_common(version: str, folder: Path = FOLDER) -> Iterator[MistralCommon]:
    """The version in its folder. Raises UnavailableError if it is not there."""
    if not (folder / version / _INSTALLED).exists():
        raise UnavailableError(f"mistral-common ({version}) is missing; run: make mistral-common")
    command = [sys.executable, "-P", "-W", "ignore", str(_SCRIPT)]
    environment = {**os.environ, "PYTHONPATH": str(folder / version)}
    pipe = subprocess.PIPE
    process = subprocess.Popen(  # noqa: S603  # our own script
        command, env=environment, stdin=pipe, stdout=pipe, text=True
    )
    try:
        yield MistralCommon(f"mistral-common ({version})", process)
    finally:
        process.kill()  # it only reads, and keeps nothing
        process.wait(_PATIENCE_S)
        for end in filter(None, (process.stdin, process.stdout)):
            end.close()


@contextmanager
def mistral() -> Iterator[Mistral]:
    with ExitStack() as stack, asyncio.Runner() as runner:
        yield Mistral(runner, [stack.enter_context(mistral_common(each)) for each in VERSIONS])
