"""`rag-proxy` as a child process whose output is read line by line, with a time limit."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

PATIENCE_S = 60.0
_OURS = ("RAG_PROXY_", "LIGHTON_", "CONSOLE_", "SCALEWAY_", "SCW_", "SSL_CERT_")


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without any setting of the proxy, and `extra`.

    No connections are opened before they are needed: a test's program may name the real upstreams.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_OURS) and not name.upper().endswith("_PROXY")
    }
    return {**kept, "PYTHONUNBUFFERED": "1", "RAG_PROXY_KEEP_WARM_S": "0", **(extra or {})}


def run_program(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `rag-proxy` to its end."""
    return subprocess.run(  # noqa: S603 - our own program, no shell
        _command(arguments),
        cwd=cwd,
        env=clean_environment(env),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


class Program:
    """A running `rag-proxy` in a process group of its own, which ends with the block."""

    def __init__(self, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            _command(arguments),
            cwd=cwd,
            env=clean_environment(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.out = _Lines(self._process.stdout)
        self.err = _Lines(self._process.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.send_to_all(signal.SIGKILL)
        self._process.wait(PATIENCE_S)
        self.out.rest()
        self.err.rest()
        self.close_stdin()

    @property
    def pid(self) -> int:
        return self._process.pid

    def press_ctrl_c(self) -> int:
        """As a terminal does: every process of the group hears it. Return the exit code."""
        self.send_to_all(signal.SIGINT)
        return self._process.wait(PATIENCE_S)

    def send_to_all(self, number: signal.Signals) -> None:
        """Send a signal to the program and all that it started, and do not wait."""
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return

    def terminate(self) -> int:
        self._process.terminate()
        return self._process.wait(PATIENCE_S)

    def kill(self) -> None:
        """Kill the program itself, and nothing that it started."""
        self._process.kill()
        self._process.wait(PATIENCE_S)

    def close_stdin(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def wait(self) -> int:
        return self._process.wait(PATIENCE_S)


class _Lines:
    """A pipe's lines as they come. The pipe ends when no process holds its other end."""

    def __init__(self, pipe: IO[str] | None) -> None:
        assert pipe is not None
        self._pipe = pipe
        self._queue: queue.Queue[str | None] = queue.Queue()
        self._seen: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def until(self, pattern: str) -> re.Match[str]:
        """Wait for a line that matches."""
        deadline = time.monotonic() + PATIENCE_S
        while (line := self._next(deadline)) is not None:
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"no line matches {pattern!r} in:\n{''.join(self._seen)}")

    def rest(self) -> str:
        """Everything up to the end of the pipe."""
        deadline = time.monotonic() + PATIENCE_S
        lines = iter(lambda: self._next(deadline), None)
        text = "".join(line for line in lines if line)
        self._reader.join(PATIENCE_S)
        self._pipe.close()
        return text

    def _next(self, deadline: float) -> str | None:
        try:
            line = self._queue.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise AssertionError(f"nothing more came after:\n{''.join(self._seen)}") from None
        if line is None:
            self._queue.put(None)
        else:
            self._seen.append(line)
        return line

    def _read(self) -> None:
        for line in self._pipe:
            self._queue.put(line)
        self._queue.put(None)


def _command(arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-P", "-m", "proxy", *arguments]
