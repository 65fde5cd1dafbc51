"""Running an ASGI application in several processes on one port."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from pathlib import Path
from types import FrameType
from typing import Final, cast

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from proxy.commands.listening import Reservation
from proxy.commands.logs import say
from proxy.commands.serving import (
    HURRY,
    DrainingServer,
    ServerConfig,
    end_at_once,
    end_interrupted,
    ignore_hang_up,
)
from proxy.commands.worker_boards import name_board

_log = logging.getLogger(__name__)

_STOPPING: Final = frozenset({signal.SIGINT, signal.SIGTERM})
_LOOK_AGAIN_S: Final = 0.05
_SHORTEST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_LAST_BREATH_S: Final = 1.0
"""How long a worker that answers no more has to end, before it counts as one that has hung."""


class Worker(Process):
    """A process that serves as `serve_here` does, without a greeting."""

    @property
    def server(self) -> DrainingServer:
        if self._server is None:
            self._server = DrainingServer(cast("ServerConfig", self.config))
        return cast("DrainingServer", self._server)


@dataclass(slots=True)
class Attempts:
    """The history of a worker and of those that it replaces."""

    has_served: bool = False
    failures: int = 0
    """How many workers in a row ended before they served."""
    again_at: float | None = None
    """When to start the next one, by the monotonic clock. None while one runs."""


def pause_s(failures: int) -> float:
    """How long to wait after so many workers in a row failed to load, in seconds."""
    return min(_SHORTEST_PAUSE_S * 2.0 ** min(failures - 1, 10), _LONGEST_PAUSE_S)


def has_started(process: Process, timeout_s: float = 5) -> bool | None:
    """Whether a worker serves. None if it has ended, or does not answer in time.

    Uvicorn's own question would wait on if the worker ended meanwhile, as one that cannot load
    does: this process itself also holds the worker's end of the pipe.
    """
    answers = process.parent_conn
    try:
        answers.send(b"ping")
        heard = wait([answers, process.process.sentinel], timeout_s)
        return bool(answers.recv()) if answers in heard else None
    except (OSError, EOFError):
        return None


class Workers(Multiprocess):
    """Processes that serve on one port. If one dies, another replaces it.

    If a worker cannot load, its replacement waits, longer each time: it would fail again, and would
    cost the others the processor. Each worker gets `listener`. All listen on it or, if it is a
    Reservation, on sockets of their own, once they have loaded.
    """

    interrupted = False

    def __init__(
        self,
        config: uvicorn.Config,
        listener: socket.socket | Reservation,
        greeting: str,
        boards: Path | None = None,
    ) -> None:
        """`boards` is the folder in which each worker counts, in the file of its place."""
        super().__init__(config, [cast("socket.socket", listener)])
        self._greeting = greeting
        self._boards = boards
        self._has_greeted = False
        self._attempts: dict[Process, Attempts] = {}
        _start_tracker()
        signal.signal(signal.SIGINT, self._hear_ctrl_c)

    def init_processes(self) -> None:
        with _deaf():
            for place in range(self.processes_num):
                self.processes.append(self._begin(place))
        while not self._greet() and self._may_become_ready():
            time.sleep(_LOOK_AGAIN_S)

    def _greet(self) -> bool:
        """Greet once, when all workers serve. Returns whether that has happened."""
        if not self._has_greeted and all(has_started(process) for process in self.processes):
            self._has_greeted = True
            self._attempts = {process: Attempts(has_served=True) for process in self.processes}
            say(self._greeting)
        return self._has_greeted

    def _may_become_ready(self) -> bool:
        is_to_stop = not _STOPPING.isdisjoint(self.signal_queue)
        return not is_to_stop and all(process.process.is_alive() for process in self.processes)

    def keep_subprocess_alive(self) -> None:
        for place, process in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            attempts = self._attempts.setdefault(process, Attempts())
            if attempts.again_at is not None:
                if time.monotonic() >= attempts.again_at:
                    self._replace(place, process, attempts)
                continue
            started = has_started(process, self.config.timeout_worker_healthcheck)
            if started is None:
                self._mourn(place, process, attempts)
            else:
                attempts.has_served = attempts.has_served or started
        self._greet()

    def _mourn(self, place: int, process: Process, attempts: Attempts) -> None:
        """Clear up after a worker that ended or hung, and see to its replacement."""
        # The pipes of a process that ends close a moment before its exit code is known.
        process.process.join(_LAST_BREATH_S)
        end, gone = process.exitcode, process.pid
        process.kill()
        process.join()
        if process.exitcode == STARTUP_FAILURE and not self._has_greeted:
            self.should_exit.set()  # the worker cannot listen, and has said so
            return
        if attempts.has_served:
            attempts.failures = 0
            self._replace(place, process, attempts)
            what = "has hung" if end is None else f"has ended (exit code {end})"
            new = self.processes[place].pid
            _log.warning("Worker %s %s. Process %s replaces it.", gone, what, new)
            return
        attempts.failures += 1
        pause = pause_s(attempts.failures)
        attempts.again_at = time.monotonic() + pause
        _log.error(
            "A worker cannot load (exit code %s). The next one starts in %g s.",
            process.exitcode,
            pause,
        )

    def _replace(self, place: int, process: Process, attempts: Attempts) -> None:
        del self._attempts[process]
        with _deaf():
            another = self.processes[place] = self._begin(place)
        self._attempts[another] = Attempts(failures=attempts.failures)

    def _begin(self, place: int) -> Worker:
        worker = Worker(self.config, self.sockets)
        if self._boards is not None:
            name_board(self._boards, place)
        worker.start()
        return worker

    def handle_hup(self) -> None:
        """Let every worker read its files again.

        The base class would restart them all, with little patience.
        """
        self._send(signal.SIGHUP)

    def handle_int(self) -> None:
        self._hurry()
        super().handle_int()
        self.interrupted = True

    def _hear_ctrl_c(self, number: int, _: FrameType | None) -> None:
        """Treat the first Ctrl-C as any signal. A second one ends everything at once."""
        if self.interrupted or number in self.signal_queue:
            for process in self.processes:
                process.kill()
            end_at_once()
        if self.should_exit.is_set():  # the workers have been told to stop
            self._hurry()
        self.signal_queue.append(number)

    def _hurry(self) -> None:
        """Keep workers from waiting for a load balancer: somebody waits at a terminal."""
        if HURRY is not None:
            self._send(HURRY)

    def _send(self, number: int) -> None:
        for process in self.processes:
            if process.pid is not None and process.process.is_alive():
                os.kill(process.pid, number)


def _start_tracker() -> None:
    """Start multiprocessing's own process, which must outlive a terminal that closes."""
    if not hasattr(signal, "SIGHUP"):  # Windows
        return
    forwarding = signal.getsignal(signal.SIGHUP)
    ignore_hang_up()  # it inherits that
    resource_tracker.ensure_running()
    signal.signal(signal.SIGHUP, forwarding)


@contextmanager
def _deaf() -> Iterator[None]:
    """Keep what reaches a whole process group from the processes started here: Ctrl-C and SIGHUP.

    They would end one that is still loading. This process gets Ctrl-C and ends them itself; once a
    worker has loaded, it hears SIGHUP.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # if it started later, it would hear Ctrl-C again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve_in_workers(
    config: uvicorn.Config,
    listener: socket.socket | Reservation,
    greeting: str,
    boards: Path | None = None,
) -> None:
    """As `serve_here`, in `config.workers` processes."""
    workers = Workers(config, listener, greeting, boards)
    workers.run()
    if workers.interrupted:
        end_interrupted()
