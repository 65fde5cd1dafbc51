"""A client's program as a child process, which is asked one check after the other."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final

from tests.support.program import clean_environment

PATIENCE_S: Final = 120.0
"""How long a check may take, with the program's start."""
_SAW: Final = "seen: "
_SHOWN: Final = 200
_FAREWELL_S: Final = 30.0
"""How long a program may take to end by itself."""
_ERROR: Final = re.compile(r"[\w.]*(?:Error|Exception)\b.{0,40}?:")
"""How the line of an error begins that ends a program of Python or Node."""
_NO_MORE: Final[Mapping[str, str]] = MappingProxyType({})
_NO_CALLING_HOME: Final = {
    "ANONYMIZED_TELEMETRY": "False",
    "DO_NOT_TRACK": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "MEM0_TELEMETRY": "False",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
}


class ProgramError(Exception):
    """A program ended, or said nothing, before it had answered."""


@contextmanager
def child(
    command: Sequence[str], folder: Path, env: Mapping[str, str] = _NO_MORE, **pipes: Any
) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own, all of which ends with the block."""
    process = subprocess.Popen(  # noqa: S603 - what the catalogue names, no shell
        command,
        cwd=folder,
        env=clean_environment({**_NO_CALLING_HOME, **env}),
        text=True,
        start_new_session=True,
        **pipes,
    )
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    """End a process and all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(PATIENCE_S)


class ClientProgram:
    """A program that runs until the end of `asked`, which gives it."""

    def __init__(self, process: subprocess.Popen[str], patience_s: float) -> None:
        self._patience_s = patience_s
        self._process = process
        self._said: queue.Queue[str | None] = queue.Queue()
        self._complaints: list[str] = []
        self._threads = [
            threading.Thread(target=self._hear, args=(process.stdout,), daemon=True),
            threading.Thread(target=self._hear_stderr, args=(process.stderr,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, check: str, question: str) -> Mapping[str, Any]:
        """Return what the client showed. Raises ProgramError if the program cannot say it."""
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(json.dumps({"check": check, "question": question}) + "\n")
            stdin.flush()
            line = self._said.get(timeout=self._patience_s)
        except queue.Empty:
            raise ProgramError(f"nothing came for {self._patience_s:g} s") from None
        except BrokenPipeError:
            line = None
        if line is None:
            raise ProgramError(self._last_complaint())
        try:
            seen: Mapping[str, Any] = json.loads(line)
        except json.JSONDecodeError:
            raise ProgramError(f"no JSON object: {line[:_SHOWN]}") from None
        return seen

    def dismiss(self) -> None:
        """Tell it that no check follows, and let it end what it has started.

        What it starts in sessions of their own does not end with its group.
        """
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(min(_FAREWELL_S, self._patience_s))

    def close(self) -> None:
        """Let go of the pipes of a process that has ended."""
        for thread in self._threads:
            thread.join(PATIENCE_S)
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()

    def _last_complaint(self) -> str:
        self._threads[1].join(self._patience_s)
        lines = [line.strip() for line in self._complaints if line.strip()]
        errors = [line for line in lines if _ERROR.match(line)]
        told = (errors or lines or ["it said nothing"])[-1]
        return f"the program ended: {told[:_SHOWN]}"

    def _hear(self, pipe: IO[str]) -> None:
        for line in pipe:
            if line.startswith(_SAW):
                self._said.put(line.removeprefix(_SAW))
        self._said.put(None)

    def _hear_stderr(self, pipe: IO[str]) -> None:
        self._complaints.extend(pipe)


@contextmanager
def asked(
    command: Sequence[str], folder: Path, env: Mapping[str, str], *, patience_s: float
) -> Iterator[ClientProgram]:
    """Start a program, and end it with the block."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with child(command, folder, env, **pipes) as process:
        program = ClientProgram(process, patience_s)
        try:
            yield program
        finally:
            program.dismiss()
            end(process)
            program.close()
