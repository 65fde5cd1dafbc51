"""Scripts of a `raw_server` that a Redis client connects to."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from proxy.tasks import TaskScope
from tests.upstreams.raw_server import PATIENCE_S, Connection, RawServer, Script

_COMMAND: Final = re.compile(rb"\*\d+\r\n\$")


def redis_url(server: RawServer, password: str = "") -> str:
    """The server's address as one of Redis, for a user that has this password."""
    return server.url.replace("http://", f"redis://:{password}@")


def answer(reply: bytes) -> Script:
    """Say the same to every command."""

    async def script(connection: Connection) -> None:
        while data := await connection._reader.read(65536):
            await connection.send(reply * len(_COMMAND.findall(data)))

    return script


class Relay:
    """A script that leads on to a real Redis, and can hold one of its replies back."""

    def __init__(self, url: str) -> None:
        self._socket = url.removeprefix("unix://")
        self._asked: asyncio.Queue[bytes] = asyncio.Queue()
        self._passes: int | None = None
        self._released = asyncio.Event()
        self.holds = asyncio.Event()
        """Set while a reply is held back."""

    def hold(self, passes: int) -> None:
        """Let so many bytes through, and hold back what follows on the same connection."""
        self._passes = passes
        self._released.clear()

    def release(self) -> None:
        self._released.set()

    async def is_asked(self, name: bytes) -> None:
        """Wait for a command with this in it."""
        async with asyncio.timeout(PATIENCE_S):
            while name not in await self._asked.get():
                pass

    async def __call__(self, connection: Connection) -> None:
        reader, writer = await asyncio.open_unix_connection(self._socket)
        try:
            async with TaskScope() as tasks:
                to = tasks.start(self._lead_to(writer, connection))
                back = tasks.start(self._lead_back(reader, connection))
                await asyncio.wait((to, back), return_when=asyncio.FIRST_COMPLETED)
        finally:
            writer.close()

    async def _lead_to(self, writer: asyncio.StreamWriter, connection: Connection) -> None:
        while data := await connection._reader.read(65536):
            self._asked.put_nowait(data)
            writer.write(data)
            await writer.drain()

    async def _lead_back(self, reader: asyncio.StreamReader, connection: Connection) -> None:
        while data := await reader.read(65536):
            if self._passes is not None:
                passed, data, self._passes = data[: self._passes], data[self._passes :], None
                await connection.send(passed)
                self.holds.set()
                await self._released.wait()
            await connection.send(data)
