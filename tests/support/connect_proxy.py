"""An outbound proxy on loopback: CONNECT, absolute addresses, credentials if it wants some."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import trustme

from tests.support.clock import Clock


class ConnectProxy:
    """What it has been asked, and how it answers. Every host name leads to loopback."""

    def __init__(self, user: str = "", password: str = "") -> None:
        self.url = ""
        self.asked: list[str] = []
        """The first lines of the requests that came, `CONNECT host:port HTTP/1.1` among them."""
        self.stalls: Clock | None = None
        """With a clock it never answers, and lets a limit run out once it has been asked."""
        given = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._wanted = f"basic {given}".lower() if user else ""
        self._running: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._running.add(asyncio.get_running_loop().create_task(self._serve(reader, writer)))

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._answer(reader, writer)
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *fields = head.split("\r\n")
        self.asked.append(first)
        headers = dict(field.lower().split(": ", 1) for field in fields if field)
        if self.stalls is not None:
            await self.stalls.run_out()
            await reader.read()
        elif headers.get("proxy-authorization", "") != self._wanted:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        elif first.startswith("CONNECT "):
            port = int(first.split(" ")[1].rpartition(":")[2])
            await self._join(reader, writer, port, b"HTTP/1.1 200 OK\r\n\r\n", b"")
        else:
            method, url, version = first.split(" ")
            target = urlsplit(url)
            passed_on = f"{method} {target.path} {version}\r\nconnection: close\r\n"
            passed_on += "\r\n".join(
                each for each in fields if not each.lower().startswith("proxy-")
            )
            await self._join(reader, writer, target.port or 80, b"", passed_on.encode())

    @staticmethod
    async def _join(
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        port: int,
        back: bytes,
        forth: bytes,
    ) -> None:
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
            return
        try:
            writer.write(back)
            to_server.write(forth)
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, to_server))
                both.create_task(_copy(from_server, writer))
        finally:
            to_server.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while part := await source.read(65536):
            target.write(part)
            await target.drain()
    target.close()


@asynccontextmanager
async def connect_proxy(
    user: str = "", password: str = "", *, certificate: trustme.LeafCert | None = None
) -> AsyncIterator[ConnectProxy]:
    """With a certificate the proxy itself is spoken to over TLS, as localhost."""
    proxy = ConnectProxy(user, password)
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(context)
    listener = await asyncio.start_server(proxy.accept, "127.0.0.1", 0, ssl=context)
    port = listener.sockets[0].getsockname()[1]
    proxy.url = f"https://localhost:{port}" if context else f"http://127.0.0.1:{port}"
    try:
        yield proxy
    finally:
        listener.close()
        await proxy.stop()
        await listener.wait_closed()
