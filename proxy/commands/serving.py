"""Running an ASGI application on a listening socket."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import threading
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Final, NoReturn, cast

import click
import uvicorn
from starlette.types import ASGIApp

from proxy.access.addresses import parse_networks
from proxy.commands.logs import say
from proxy.settings import Settings
from proxy.surfaces.door import Door
from proxy.surfaces.door_limits import DoorLimits

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_log = logging.getLogger(__name__)

INTERRUPTED: Final = 130
"""The exit code of a program that Ctrl-C ended, as shells count it."""
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


def server_config(
    app: ASGIApp | str,
    log_level: str,
    *,
    limits: DoorLimits = _DEFAULT_LIMITS,
    grace_s: int = 30,
    workers: int = 1,
) -> uvicorn.Config:
    """Uvicorn's options. An import string names a factory of the application.

    The application writes its own log and names itself, so uvicorn does neither. `grace_s` is how
    long requests may go on after the signal to stop.
    """
    return uvicorn.Config(
        app,
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
        timeout_graceful_shutdown=grace_s,
    )


def collect_rarely() -> None:
    """Look for cyclic garbage less often, and never among the objects loaded so far.

    Requests make hardly any cycles. With Python's own thresholds, the collector took a seventh of
    the time of a server with many streams.
    """
    gc.collect()
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


class _Server(uvicorn.Server):
    """A server that prints a greeting once it answers and handles signals."""

    def __init__(self, config: uvicorn.Config, greeting: str) -> None:
        super().__init__(config)
        self._greeting = greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        collect_rarely()
        if self.started:
            say(self._greeting)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit and sig == signal.SIGINT:
            end_at_once()
        super().handle_exit(sig, frame)


def serve_here(config: uvicorn.Config, listener: socket.socket, greeting: str) -> None:
    """Serve in this process until a signal stops it. Ctrl-C ends in click's Exit.

    The server prints the greeting when it answers, not before. Whoever reads it can ask, or stop
    the server, at once.
    """
    try:
        _Server(config, greeting).run(sockets=[listener])
    except KeyboardInterrupt:
        end_interrupted()
