"""Sockets for client and upstream. They send each write at once."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from contextlib import suppress
from typing import Final

HOST: Final = "127.0.0.1"
_BACKLOG: Final = 4096
_PORTS: Final = range(20_000, 32_000)
"""Below those that systems choose from: Linux from 32768 on, others from 49152."""


def listen() -> socket.socket:
    """A listening socket on a free port."""
    return socket.create_server((HOST, 0), backlog=_BACKLOG)


def free_port() -> int:
    """A port on which nobody listens, and that is given to nobody who asks for any port."""
    while True:
        port = secrets.choice(_PORTS)
        with suppress(OSError), socket.create_server((HOST, port)):
            return port


def port_of(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


class Writer:
    """Writes to a transport's socket at once, so that no two writes leave as one.

    Over TLS each write is a record of its own, which the event loop sends at the end of its turn.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket: int = connection.fileno()
        self._transport = transport
        self._is_secure = transport.get_extra_info("sslcontext") is not None

    def write(self, data: bytes) -> bool:
        """False once the connection is gone."""
        transport = self._transport
        if transport.is_closing():
            return False
        if self._is_secure or transport.get_write_buffer_size():
            transport.write(data)  # through TLS, or after bytes the socket could not take yet
            return True
        try:
            sent = os.write(self._socket, data)
        except BlockingIOError:
            sent = 0
        except OSError:
            transport.abort()
            return False
        if sent < len(data):
            transport.write(data[sent:])
        return True

    def close(self) -> None:
        self._transport.close()
