"""Server processes. Each runs on one core, in its own process group, and ends with that group."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.certificates import Certificates
from bench.checks import WrongReplyError, check_reply
from bench.client import ask_once
from bench.script import Script
from bench.subjects import Subject

PATIENCE_S: Final = 90.0
"""How long a server may take until it answers."""
_SETTLED_S: Final = 5.0
_POLL_S: Final = 0.002
_TRY_S: Final = 20.0
_LOG_LINES: Final = 5
_SET_DEATH_SIGNAL: Final = 1
_ADDRESS: Final = re.compile(r"http://127\.0\.0\.1:(\d+)")
_SECURE_ADDRESS: Final = re.compile(r"https://127\.0\.0\.1:(\d+)")
_LIBC: Final = ctypes.CDLL(None)


class NotStartedError(RuntimeError):
    """A server never answered."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a server."""

    argv: Sequence[str]
    port: int | None
    """None if the server chooses its port itself and prints its address."""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Server:
    """A running server; `pid` is also its process group."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    started_at: float
    port: int | None

    @property
    def pid(self) -> int:
        return self.process.pid

    def find_port(self) -> int | None:
        """The port, once it is known."""
        if self.port is None and (found := _ADDRESS.search(self._said())):
            self.port = int(found[1])
        return self.port

    def find_secure_port(self) -> int | None:
        """The port with TLS that the server prints, if it has one."""
        found = _SECURE_ADDRESS.search(self._said())
        return int(found[1]) if found else None

    def describe_end(self) -> str:
        """The server's last words."""
        lines = [line.strip() for line in self._said().splitlines() if line.strip()]
        code = self.process.poll()
        ended = "still running" if code is None else f"ended with code {code}"
        return f"{ended}: {' / '.join(lines[-_LOG_LINES:])}"

    def stop(self) -> None:
        """End the process group, gently if possible."""
        _signal_group(self.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_SETTLED_S)
        _signal_group(self.pid, signal.SIGKILL)
        self.process.wait()

    def _said(self) -> str:
        return self.log.read_text(errors="replace")


@dataclass(frozen=True, slots=True)
class Cores:
    """Where things run: `load` for client and upstream, `server` for the subject."""

    load: int
    server: int
    every: frozenset[int]


def choose_cores() -> Cores:
    """The first core for the load, the second for the server. With one core, the same for both."""
    usable = sorted(os.sched_getaffinity(0))
    return Cores(usable[0], usable[min(1, len(usable) - 1)], frozenset(usable))


@contextmanager
def started(name: str, launch: Launch, folder: Path, cores: AbstractSet[int]) -> Iterator[Server]:
    """A server that runs on `cores` as long as the block."""
    server = start(name, launch, folder, cores)
    try:
        yield server
    finally:
        server.stop()


def start(name: str, launch: Launch, folder: Path, cores: AbstractSet[int]) -> Server:
    """Start a server whose files are in `folder`. The caller stops it."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "output.log"
    env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "LANG": "C.UTF-8"}
    with log.open("wb") as output, pinned(cores):
        started_at = time.monotonic()
        process = subprocess.Popen(  # noqa: S603  # servers that were chosen here
            launch.argv,
            cwd=folder,
            env=env | dict(launch.env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  # this program has one thread
        )
    return Server(name, process, log, started_at, launch.port)


def upstream_launch(certificates: Certificates | None = None) -> Launch:
    """The scripted upstream. With certificates it also has a port with TLS."""
    home = Path(__file__).parent.parent
    files = (str(certificates.server), str(certificates.key)) if certificates else ()
    return Launch((sys.executable, "-m", "bench.upstream", *files), None, {"PYTHONPATH": str(home)})


def first_answer(server: Server, subject: Subject, script: Script, numbers: Iterator[int]) -> float:
    """Wait for the first right answer. Returns the seconds since the start.

    Raises NotStartedError.
    """
    deadline = server.started_at + PATIENCE_S
    problem = "it did not listen"
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise NotStartedError(server.describe_end())
        port = server.find_port()
        if port is not None:
            try:
                exchange = ask_once(
                    port, subject.request(port, script, next(numbers)), timeout_s=_TRY_S
                )
                check_reply(exchange, subject.expects(script))
            except (OSError, WrongReplyError) as fault:
                problem = str(fault)
            else:
                return exchange.ended_at - server.started_at
        time.sleep(_POLL_S)
    raise NotStartedError(f"{problem}; {server.describe_end()}")


@contextmanager
def pinned(cores: AbstractSet[int]) -> Iterator[None]:
    """Run on `cores` only as long as the block, including processes started inside it."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow_many_files() -> None:
    """Raise the limit of open files to the system's maximum, here and for child processes."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _end_with_parent() -> None:
    """Runs in a new process: the kernel shall end it if this program dies without a word."""
    _LIBC.prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
