"""A client's program as a child process, which is asked one check after the other."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from tests.support.program import clean_environment

PATIENCE_S: Final = 120.0
"""How long a check may take, with the program's start."""
_SAW: Final = "seen: "
_SHOWN: Final = 200
_ERROR: Final = re.compile(r"[\w.]*(?:Error|Exception)\b.{0,40}?:")
"""How the line of an error begins that ends a program of Python or Node."""
_NO_CALLING_HOME: Final = {
    "ANONYMIZED_TELEMETRY": "False",
    "DO_NOT_TRACK": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "MEM0_TELEMETRY": "False",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
}


class ProgramError(Exception):
    """A program ended, or said nothing, before it had answered."""


class ClientProgram:
    """A running program. It ends with the block."""

    def __init__(
        self, command: Sequence[str], cwd: Path, env: Mapping[str, str], *, patience_s: float
    ) -> None:
        self._patience_s = patience_s
        self._process = subprocess.Popen(  # noqa: S603 - what the catalogue names, no shell
            command,
            cwd=cwd,
            env=clean_environment({**_NO_CALLING_HOME, **env}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._said: queue.Queue[str | None] = queue.Queue()
        self._complaints: list[str] = []
        self._threads = [
            threading.Thread(target=self._hear, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._hear_stderr, args=(self._process.stderr,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE_S)
        for thread in self._threads:
            thread.join(PATIENCE_S)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]  # Popen was told to make all three

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
        seen: Mapping[str, Any] = json.loads(line)
        return seen

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
