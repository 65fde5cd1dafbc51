"""A TCP server that plays a script: for what happens on a connection, not in a protocol."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

PATIENCE_S: Final = 60
"""How long a test waits for what must happen at once."""

_NO_LINGER: Final = struct.pack("ii", 1, 0)
_CONTENT_LENGTH: Final = b"content-length:"


class Connection:
    """One connection of a client. `number` counts them from 1."""

    def __init__(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.number = number
        self._reader = reader
        self._writer = writer

    async def request(self) -> bytes:
        """The next request, head and body. Raises IncompleteReadError if none comes any more."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(_CONTENT_LENGTH):
                length = int(line.removeprefix(_CONTENT_LENGTH))
        return head + await self._reader.readexactly(length)

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    @property
    def is_abandoned(self) -> bool:
        """Whether the client has closed the connection."""
        return self._reader.at_eof() or self._reader.exception() is not None

    async def gone(self) -> None:
        """Wait until the client has closed the connection."""
        await self._reader.read()

    def reset(self) -> None:
        """Close without saying goodbye (TCP RST)."""
        connection: socket.socket = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._writer.transport.abort()


Script = Callable[[Connection], Awaitable[None]]
"""What the server does on one connection, which is closed when the script ends."""


class RawServer:
    """A listening server: its URL, how many connections came, and how many ended."""

    def __init__(self, script: Script) -> None:
        self.url = ""
        self.connections = 0
        self.hung_up = asyncio.Event()
        """Set when the client has closed a connection whose script read on."""
        self._script = script
        self._running: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        work = self._serve(Connection(self.connections, reader, writer), writer)
        self._running.add(asyncio.get_running_loop().create_task(work))

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        for each in await asyncio.gather(*self._running, return_exceptions=True):
            if isinstance(each, Exception):
                raise each

    async def _serve(self, connection: Connection, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionResetError):
                await self._script(connection)
        finally:
            if connection.is_abandoned:
                self.hung_up.set()
            writer.close()


@asynccontextmanager
async def raw_server(
    script: Script, certificates: ssl.SSLContext | None = None
) -> AsyncIterator[RawServer]:
    """A server on loopback; with certificates one over TLS, which is named localhost."""
    server = RawServer(script)
    listener = await asyncio.start_server(server.accept, "127.0.0.1", 0, ssl=certificates)
    port = listener.sockets[0].getsockname()[1]
    server.url = f"https://localhost:{port}" if certificates else f"http://127.0.0.1:{port}"
    try:
        yield server
    finally:
        listener.close()
        await server.stop()
        await listener.wait_closed()


def reply(body: bytes = b"", *headers: str, status: str = "200 OK") -> bytes:
    """A whole HTTP reply."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(*parts: bytes, content_type: str = "text/event-stream") -> bytes:
    """The beginning of a reply in chunked encoding, its parts so far."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n"
    return head.encode() + b"".join(map(chunk, parts))


def chunk(part: bytes) -> bytes:
    """One part of a reply in chunked encoding; b"" is the last one."""
    return b"%x\r\n%b\r\n" % (len(part), part)
