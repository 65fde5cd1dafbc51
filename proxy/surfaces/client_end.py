"""The client's end of a connection: whether it takes what it is sent, and how to cut it off."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import MutableMapping
from typing import Any, Final

from proxy.deadline import Deadline

try:
    import fcntl
    import termios
except ImportError:  # Windows
    HAS_QUEUE = False
else:
    HAS_QUEUE = True

_KEY: Final = "rag_proxy.client_end"
_LOOKS: Final = 4
"""How often the clock looks at a client before it counts as stalled."""
_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER: what the system still holds for the client is dropped when the connection closes."""


class ClientEnd:
    """Cuts a connection off whose client takes nothing for `stall_s` seconds.

    It looks only while something waits for the client: as long as so much waits that the server
    writes no more, and when a reply is over. So a stream whose client reads needs no timer. How
    much waits can only shrink meanwhile, and each time it has, the client has taken something.
    That counts what the system holds, too: it may take more of us only when a third of its own
    megabytes has gone out.
    """

    __slots__ = (
        "_deadline",
        "_loop",
        "_stall_s",
        "_taken_at",
        "_transport",
        "_waits",
        "has_stalled",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, stall_s: float) -> None:
        self._loop = loop
        self._stall_s = stall_s
        self._deadline = Deadline(loop)
        self._transport: asyncio.WriteTransport | None = None
        self._waits = 0
        """How many bytes waited for the client at the last look, in the system or before it."""
        self._taken_at = 0.0
        """When the client was last seen to take some."""
        self.has_stalled = False

    def attach(self, transport: asyncio.WriteTransport) -> None:
        """Look after this connection."""
        self._transport = transport

    def watch(self) -> None:
        """Look at the client until it has taken all, or `rest` is called."""
        if self._transport is None or not self._transport.get_write_buffer_size():
            return
        self._waits = _waiting(self._transport)
        self._taken_at = self._loop.time()
        self._deadline.put_off(self._stall_s / _LOOKS, self._look)

    def rest(self) -> None:
        self._deadline.stop()

    def cut(self) -> None:
        """Close the connection without sending what waits. Its requests end, as after a hang-up."""
        self._deadline.stop()
        if self._transport is None:
            return
        connection = self._transport.get_extra_info("socket")
        if connection is not None and connection.fileno() >= 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._transport.abort()

    def _look(self) -> None:
        assert self._transport is not None  # noqa: S101 - `watch` has seen it
        if not self._transport.get_write_buffer_size():
            return
        waits, now = _waiting(self._transport), self._loop.time()
        if waits < self._waits:
            self._taken_at = now
        elif now >= self._taken_at + self._stall_s:
            self.has_stalled = True
            self.cut()
            return
        self._waits = waits
        left_s = self._taken_at + self._stall_s - now
        self._deadline.put_off(min(self._stall_s / _LOOKS, left_s), self._look)


def _waiting(transport: asyncio.WriteTransport) -> int:
    """The bytes that wait for a client: ours, and those that the system holds if it tells."""
    waits = transport.get_write_buffer_size()
    connection = transport.get_extra_info("socket")
    if not HAS_QUEUE or connection is None or connection.fileno() < 0:
        return waits
    try:
        told = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))  # tcp(7): SIOCOUTQ
    except OSError:
        return waits
    return waits + int.from_bytes(told, sys.byteorder)


def put_client_end(scope: Any, end: ClientEnd) -> None:
    """Let the end of its connection go along with a request."""
    scope[_KEY] = end


def client_end_of(scope: MutableMapping[str, Any]) -> ClientEnd | None:
    """The client's end; None if the server that the proxy runs in does not know it."""
    end: ClientEnd | None = scope.get(_KEY)
    return end
