"""Running an ASGI application on a listening socket."""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any, Final, NoReturn, cast

import click
import uvicorn
from starlette.types import ASGIApp

from proxy.access.addresses import parse_networks
from proxy.commands.logs import flush_log, say
from proxy.settings import Settings
from proxy.surfaces.door import Door
from proxy.surfaces.door_limits import DoorLimits
from proxy.surfaces.health import STOPPING

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_log = logging.getLogger(__name__)

INTERRUPTED: Final = 130
"""The exit code of a program that Ctrl-C ended, as shells count it."""
HURRY: Final = getattr(signal, "SIGUSR1", None)
"""Ends the wait after SIGTERM. Whoever starts workers sends it to them. Windows has no such signal.
"""
_DESCRIPTORS: Final = 1024
"""The limit of most systems, for those that do not tell."""
_MOST_WAITING: Final = 4096
_DEFAULT_LIMITS: Final = DoorLimits()
_COLLECT_AFTER: Final = (10_000, 20, 50)
"""How many new objects start a collection, and how many collections start the next older one."""


def door_limits(settings: Settings) -> DoorLimits:
    """The limits of one connection, from the settings and from the system's own limits."""
    most = settings.max_waiting_connections
    return DoorLimits(
        max_head_bytes=settings.max_head_bytes,
        max_headers=settings.max_headers,
        head_timeout_s=settings.head_timeout_s,
        linger_bytes=settings.max_body_bytes,
        client_stall_s=settings.client_stall_s,
        max_waiting=min(_descriptors() // 2, _MOST_WAITING) if most is None else most,
        trusted=parse_networks(settings.trusted_proxies),
    )


def _descriptors() -> int:
    """The most files and connections that this process may have open."""
    if resource is None:
        return _DESCRIPTORS
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _DESCRIPTORS if most == resource.RLIM_INFINITY else most


class ServerConfig(uvicorn.Config):
    """Uvicorn's options, and how long the server takes requests on after SIGTERM."""

    def __init__(self, app: ASGIApp | str, drain_delay_s: float, **options: Any) -> None:
        super().__init__(app, **options)
        self.drain_delay_s = drain_delay_s


def server_config(  # noqa: PLR0913 - callers pass few of them at a time
    app: ASGIApp | str,
    log_level: str,
    *,
    limits: DoorLimits = _DEFAULT_LIMITS,
    drain_delay_s: float = 0,
    grace_s: float = 30,
    workers: int = 1,
) -> ServerConfig:
    """Uvicorn's options. An import string names a factory of the application.

    The application writes its own log and names itself, so uvicorn does neither. `grace_s` is how
    long requests may go on once the proxy takes no new ones: `drain_delay_s` after SIGTERM.
    """
    return ServerConfig(
        app,
        drain_delay_s,
        factory=isinstance(app, str),
        workers=workers,
        loop="auto",  # uvloop if it is installed
        http=cast("type[asyncio.Protocol]", Door(limits)),  # uvicorn calls it as it would a class
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_config=None,
        log_level="warning" if log_level == "info" else log_level,
        # uvicorn only hands it to asyncio, which takes fractions
        timeout_graceful_shutdown=cast("int", grace_s),
    )


def collect_rarely() -> None:
    """Look for cyclic garbage less often, and never among the objects loaded so far.

    Requests make hardly any cycles. With Python's own thresholds, the collector took a seventh of
    the time of a server with many streams. Loading leaves some 0.3 MB of garbage: to look for it
    would take a tenth of the start.
    """
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


def end_with_parent() -> None:
    """Stop this worker, as SIGTERM does, when the process that started it is gone.

    Otherwise the worker would hold the port for ever.
    """
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: BaseProcess) -> None:
    parent.join()
    _log.warning("The process that started this worker is gone. The worker stops.")
    os.kill(os.getpid(), signal.SIGTERM)


def ignore_hang_up() -> None:
    """Go on when a terminal closes or someone sends SIGHUP, here and in processes started later."""
    if hasattr(signal, "SIGHUP"):  # not on Windows
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def end_at_once() -> NoReturn:
    """End this process at once, as a second Ctrl-C demands, without waiting or a word."""
    os._exit(INTERRUPTED)


def end_interrupted() -> NoReturn:
    """Leave the program in its usual way after Ctrl-C.

    KeyboardInterrupt would not do: click would write a line for it, and would wait for ever if
    stderr is a pipe that nobody reads.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # another one may come during the clean-up
    if sys.stderr.isatty():
        say("", err=True)  # end the line in which the terminal shows ^C
    raise click.exceptions.Exit(INTERRUPTED)


class DrainingServer(uvicorn.Server):
    """A server that lets a load balancer turn away before it closes its door.

    At SIGTERM it says in the state of every request that it stops (`STOPPING`), and takes requests
    on for a while, because some still come this way. HURRY, or Ctrl-C, ends the wait: there is
    nobody to turn away.
    """

    config: ServerConfig

    def __init__(self, config: ServerConfig) -> None:
        super().__init__(config)
        self._delay_s = config.drain_delay_s
        self._closes_at = math.inf

    async def on_tick(self, counter: int) -> bool:
        self.should_exit = self.should_exit or time.monotonic() >= self._closes_at
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if HURRY is not None and threading.current_thread() is threading.main_thread():
            signal.signal(HURRY, self._hurry)
        with super().capture_signals():  # which ends the process by a signal that it has heard
            try:
                yield
            finally:
                flush_log()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit and sig == signal.SIGINT:
            end_at_once()
        if self.started:
            self.lifespan.state[STOPPING] = True
        if sig == signal.SIGINT or not self.started:
            super().handle_exit(sig, frame)
            return
        self._captured_signals.append(sig)
        self._closes_at = min(self._closes_at, time.monotonic() + self._delay_s)

    def _hurry(self, _number: int, _frame: FrameType | None) -> None:
        self._delay_s = 0
        if self._closes_at < math.inf:
            self.should_exit = True


class _Server(DrainingServer):
    """A server that prints a greeting once it answers."""

    def __init__(self, config: ServerConfig, greeting: str) -> None:
        super().__init__(config)
        self._greeting = greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        collect_rarely()
        if self.started:
            say(self._greeting)


def serve_here(config: ServerConfig, listener: socket.socket, greeting: str) -> None:
    """Serve in this process until a signal stops it. Ctrl-C ends in click's Exit.

    The server prints the greeting when it answers, not before. Whoever reads it can ask, or stop
    the server, at once.
    """
    try:
        _Server(config, greeting).run(sockets=[listener])
    except KeyboardInterrupt:
        end_interrupted()
