"""Listening sockets, opened before anything slow starts so that a taken port is said at once."""

from __future__ import annotations

import errno
import os
import socket

import click

BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A socket that already accepts connections; they wait until a server takes them.

    Raises click.ClickException, one line for the user, when the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        if os.name == "posix":  # elsewhere this option would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise click.ClickException(_reason(host, port, error)) from error
    return listener


def address(listener: socket.socket) -> str:
    """The http address of a listening socket, with the port it really has."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _reason(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use; choose another with --port"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"
