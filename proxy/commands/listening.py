"""Listening sockets. Commands open them first, so that the user hears of a taken port at once."""

from __future__ import annotations

import errno
import os
import socket
import sys
from typing import Any, Final, Self

import click
from uvicorn.config import STARTUP_FAILURE

BACKLOG = 2048
_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only compared
"""Addresses that mean every interface, and the address at which this machine reaches itself."""


def listen(host: str, port: int, choose_port: str = "--port") -> socket.socket:
    """A socket that already accepts connections. They wait until a server takes them.

    `choose_port` is what the user can write to choose another port. If the address is not to be
    had, this raises click.ClickException, with one line for the user.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        if os.name == "posix":  # elsewhere this option would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except UnicodeError as error:
        listener.close()
        raise click.ClickException(f"cannot listen on {host}: it is no host name") from error
    except OSError as error:
        listener.close()
        raise click.ClickException(_reason(host, port, error, choose_port)) from error
    return listener


class Reservation:
    """A port for many processes. Each process that receives this gets its own socket to listen on.

    Linux spreads connections evenly over such sockets. If all processes listened on one socket, the
    first to wake would take most connections and hold them, because clients keep their connections.
    """

    def __init__(self, host: str, port: int) -> None:
        """Raises click.ClickException as `listen` does."""
        with listen(host, port) as alone:  # nobody else has the port, with this option or without
            self.host, self.port = alone.getsockname()[:2]
            self._claim = _claim(self.host, self.port)
        try:
            self._socket = _hold(self.host, self.port)
        except OSError as error:
            self._claim.close()
            raise click.ClickException(_reason(self.host, self.port, error, "--port")) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._claim.close()

    def getsockname(self) -> tuple[str, int]:
        return self.host, self.port

    def __reduce__(self) -> tuple[Any, ...]:
        return _bind_or_stop, (self.host, self.port)


def can_share_port() -> bool:
    """Whether the system spreads connections over the sockets that listen on one port."""
    return sys.platform == "linux"


def _claim(host: str, port: int) -> socket.socket:
    """A name that only one process can hold, until it ends. The port's option would admit any."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0rag-proxy {host} {port}")
    except OSError as error:
        claim.close()
        raise click.ClickException(_reason(host, port, error, "--port")) from error
    return claim


def _hold(host: str, port: int) -> socket.socket:
    """A socket that takes no connections, but keeps others from the port.

    To bind the port while connections of an earlier server are in TIME_WAIT, it needs SO_REUSEADDR.
    Afterwards it drops that option: then the port is in use for everyone who does not share it.
    """
    holder = _bind_beside_others(host, port)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return holder


def _bind_or_stop(host: str, port: int) -> socket.socket:
    """In a worker: the socket that its Reservation becomes. If it fails, all workers stop.

    It does not listen yet. The server listens once the application has loaded; before that, the
    system would hand it connections that nobody takes.
    """
    try:
        listener = _bind_beside_others(host, port)
    except OSError as error:
        click.echo(f"rag-proxy: {_reason(host, port, error, '--port')}", err=True)
        raise SystemExit(STARTUP_FAILURE) from error
    return listener


def _bind_beside_others(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def address(listener: socket.socket | Reservation) -> str:
    """The http address of a listening socket, with the port it really has."""
    host, port = listener.getsockname()[:2]
    return _url(host, port)


def own_address(listener: socket.socket) -> str:
    """The http address at which this machine's own programs reach a listening socket."""
    host, port = listener.getsockname()[:2]
    return _url(_LOOPBACK.get(host, host), port)


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _reason(host: str, port: int, error: OSError, choose_port: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use; choose another with {choose_port}"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"
