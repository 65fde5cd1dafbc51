"""A server as `rag-proxy serve` starts it, on a real socket, and how the fuzzers talk to it."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from proxy.commands.serving import server_config
from tests.fuzz.http_reading import Reply, read_replies

PATIENCE_S: Final = 60.0
_CREDENTIALS: Final = "proxy.upstreams.http.status"
"""What logs an error that is an upstream's and the operator's, and no fault of the proxy."""


class Faults(logging.Handler):
    """Lines that tell of a fault of the server's or the proxy's own."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != _CREDENTIALS:
            self.lines.append(self.format(record))

    def check(self) -> None:
        assert not self.lines, f"the log tells of a fault: {self.lines}"


class RunningServer:
    """A server in a thread of its own, and what it has logged."""

    def __init__(self, port: int, server: uvicorn.Server, faults: Faults) -> None:
        self.faults = faults
        self._port = port
        self._server = server

    @contextmanager
    def connected(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self._port), PATIENCE_S) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield connection

    @property
    def open_connections(self) -> int:
        """Connections of clients."""
        return len(self._server.server_state.connections)

    @property
    def running_requests(self) -> int:
        return len(self._server.server_state.tasks)


@contextmanager
def running(app: ASGIApp) -> Iterator[RunningServer]:
    """Serve for as long as the block. A server that hangs is left behind: it ends with Python."""
    faults = Faults()
    server = uvicorn.Server(server_config(app, "info", grace_s=1))
    logging.getLogger().addHandler(faults)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield RunningServer(port, server, faults)
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
            logging.getLogger().removeHandler(faults)


def ask_health(connection: socket.socket) -> None:
    """Make sure that the server answers on this connection."""
    connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    data, _ = read_until_answered(connection, [b"GET"])
    replies, _ = read_replies(data, [b"GET"], has_ended=False)
    assert replies == [Reply(200, b'{"status":"ok"}')], f"another client is answered {data!r}"


def read_until_answered(
    connection: socket.socket, methods: list[bytes], *, to_the_end: bool = False
) -> tuple[bytes, bool]:
    """Read until requests of these methods are answered, or to the end, or in vain.

    What came, and whether the server has closed.
    """
    data = b""
    ends_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_at:
        replies, _ = read_replies(data, methods, has_ended=False)
        if len(replies) == len(methods) and not to_the_end:
            break
        more = received(connection, ends_at - time.monotonic())
        if not more:
            return data, more is not None
        data += more
    return data, False


def received(connection: socket.socket, patience_s: float) -> bytes | None:
    """What came; b"" at the end, None if nothing came in time."""
    connection.settimeout(max(0.0, patience_s))
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""
    except (TimeoutError, BlockingIOError):
        return None
