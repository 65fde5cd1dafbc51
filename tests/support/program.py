"""Programs as child processes that end with their test: `rag-proxy`, and any other."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

PATIENCE_S = 120.0
"""How long a test waits for what must happen: a program takes a while to start where many do."""

_OURS = ("RAG_PROXY_", "LIGHTON_", "CONSOLE_", "SCALEWAY_", "SCW_", "SSL_CERT_")
_OF_COVERAGE = ("COVERAGE_PROCESS_",)
_OUR_PROGRAM = (sys.executable, "-P", "-m", "proxy")


def clean_environment(
    extra: Mapping[str, str] | None = None, *, measured: bool = False
) -> dict[str, str]:
    """This process's environment without any setting of the proxy, and `extra`.

    No connections are opened before they are needed: a test's program may name the real upstreams.
    Coverage sees only what is `measured`, which takes as long again as to start: that is for the
    few programs that run what nothing else does.
    """
    left_out = _OURS if measured else _OURS + _OF_COVERAGE
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(left_out) and not name.upper().endswith("_PROXY")
    }
    return {**kept, "PYTHONUNBUFFERED": "1", "RAG_PROXY_KEEP_WARM_S": "0", **(extra or {})}


def hear_interrupts() -> None:
    """React to Ctrl-C, and let children do so, also where whoever started this process does not.

    A shell starts what runs in the background with SIGINT ignored. Children inherit that, and a
    test that interrupts one would wait for ever.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def as_in_background() -> Iterator[None]:
    """Start programs as a shell does with `&`: they ignore Ctrl-C, which is for the foreground."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def running(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A program in a process group of its own, which ends with the block or after PATIENCE_S.

    So whoever reads its output waits no longer than that. `options` are those of Popen.
    """
    process = subprocess.Popen(command, text=True, start_new_session=True, **options)  # noqa: S603 - what tests name
    limit = threading.Timer(PATIENCE_S, _signal_group, (process.pid, signal.SIGKILL))
    limit.start()
    try:
        yield process
    finally:
        limit.cancel()
        _signal_group(process.pid, signal.SIGKILL)
        process.wait(PATIENCE_S)
        for pipe in filter(None, (process.stdin, process.stdout, process.stderr)):
            pipe.close()


def run_program(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `rag-proxy` to its end."""
    return subprocess.run(  # noqa: S603 - our own program, no shell
        [*_OUR_PROGRAM, *arguments],
        cwd=cwd,
        env=clean_environment(env),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


class Program:
    """A running program in a process group of its own, which ends with the block.

    It is `rag-proxy` unless `command` names another. `pass_fds` are open files that it inherits.
    Whether coverage sees it is said in `clean_environment`.
    """

    def __init__(
        self,
        *arguments: str,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = _OUR_PROGRAM,
        pass_fds: Sequence[int] = (),
        measured: bool = False,
    ) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - what tests name, no shell
            [*command, *arguments],
            cwd=cwd,
            env=clean_environment(env, measured=measured),
            pass_fds=pass_fds,
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

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program itself, and do not wait."""
        self._process.send_signal(number)

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


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)
