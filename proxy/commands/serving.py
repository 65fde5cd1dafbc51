"""Running an ASGI application on a listening socket."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process, resource_tracker
from multiprocessing.process import BaseProcess
from typing import Final, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from proxy.commands.listening import Reservation
from proxy.commands.logs import say

_log = logging.getLogger(__name__)

_STOPPING: Final = frozenset({signal.SIGINT, signal.SIGTERM})
_LOOK_AGAIN_S: Final = 0.05
_COLLECT_AFTER: Final = (10_000, 20, 50)
"""New objects before a collection of the youngest; collections before one of the next older."""


def server_config(
    app: ASGIApp | str, log_level: str, *, grace_s: int = 30, workers: int = 1
) -> uvicorn.Config:
    """Uvicorn's options. An import string names a factory of the application.

    The application writes its own log and names itself, so uvicorn does neither; `grace_s` is how
    long requests may go on after the signal to stop.
    """
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        loop="auto",  # uvloop where it can be imported
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_config=None,
        log_level="warning" if log_level == "info" else log_level,
        timeout_graceful_shutdown=grace_s,
    )


def collect_rarely() -> None:
    """Look for cyclic garbage less often, and not among what has been loaded by now.

    Hardly anything that a request makes is in a cycle. With Python's own thresholds the collector
    took a seventh of the time of a server with many streams.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


def end_with_parent() -> None:
    """Stop this worker, as SIGTERM does, when the process that started it is gone.

    Nobody else would: it would hold the port for ever.
    """
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: BaseProcess) -> None:
    parent.join()
    _log.warning("The process that started this worker is gone. The worker stops.")
    os.kill(os.getpid(), signal.SIGTERM)


class _Server(uvicorn.Server):
    """A server that says something once it answers, and signals are handled."""

    def __init__(self, config: uvicorn.Config, greeting: str) -> None:
        super().__init__(config)
        self._greeting = greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        collect_rarely()
        if self.started:
            say(self._greeting)


def serve_here(config: uvicorn.Config, listener: socket.socket, greeting: str) -> None:
    """Serve in this process until a signal says stop. Ctrl-C ends in KeyboardInterrupt.

    The greeting is printed when the server answers and not before, so that whoever reads it can
    ask, or stop it, at once.
    """
    _Server(config, greeting).run(sockets=[listener])


class Workers(Multiprocess):
    """Processes that serve on one port; one that dies is replaced.

    `listener` is sent to each: all listen on it or, if it is a Reservation, on sockets of their
    own.
    """

    interrupted = False

    def __init__(
        self, config: uvicorn.Config, listener: socket.socket | Reservation, greeting: str
    ) -> None:
        super().__init__(config, [cast("socket.socket", listener)])
        self._greeting = greeting
        self._has_greeted = False

    def init_processes(self) -> None:
        with _deaf_to_ctrl_c():
            super().init_processes()
        while not self._greet() and self._may_become_ready():
            time.sleep(_LOOK_AGAIN_S)

    def _greet(self) -> bool:
        """Greet, once, if all workers serve; whether that has been done."""
        if not self._has_greeted and all(process.is_ready() for process in self.processes):
            self._has_greeted = True
            say(self._greeting)
        return self._has_greeted

    def _may_become_ready(self) -> bool:
        is_to_stop = not _STOPPING.isdisjoint(self.signal_queue)
        return not is_to_stop and all(process.process.is_alive() for process in self.processes)

    def keep_subprocess_alive(self) -> None:
        before = {process.pid for process in self.processes}
        with _deaf_to_ctrl_c():
            super().keep_subprocess_alive()
        for process in self.processes:
            if process.pid not in before:
                _log.warning("A worker has ended or hung. Process %s replaces it.", process.pid)
        self._greet()

    def handle_int(self) -> None:
        super().handle_int()
        self.interrupted = True


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes that are started here are not reached by Ctrl-C, which is for all of a group.

    It would end one that is still loading with a traceback. This process hears it afterwards, and
    ends them.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # it would listen again when it is started later
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve_in_workers(
    config: uvicorn.Config, listener: socket.socket | Reservation, greeting: str
) -> None:
    """As `serve_here`, in `config.workers` processes."""
    workers = Workers(config, listener, greeting)
    workers.run()
    if workers.interrupted:
        raise KeyboardInterrupt
