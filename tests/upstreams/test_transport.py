"""The pool: which connections are used again, for whom, and how long they are kept."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from proxy.upstreams.transport import NotAnswered, PooledTransport
from tests.support.clock import skipping_clock
from tests.upstreams.raw_server import PATIENCE_S, Connection, RawServer, raw_server, reply


@asynccontextmanager
async def pool(certificates: ssl.SSLContext | None = None) -> AsyncIterator[PooledTransport]:
    opened = PooledTransport(certificates or ssl.create_default_context())
    try:
        yield opened
    finally:
        await opened.aclose()


async def get(transport: PooledTransport, url: str, *, timeout_s: float = PATIENCE_S) -> bytes:
    timeouts = {"connect": PATIENCE_S, "read": timeout_s}
    request = httpx.Request("GET", url, extensions={"timeout": timeouts})
    response = await transport.handle_async_request(request)
    try:
        return await response.aread()
    finally:
        await response.aclose()


async def numbering(connection: Connection) -> None:
    """Answer each request with the number of its connection."""
    while True:
        await connection.request()
        await connection.send(reply(b"%d" % connection.number))


async def test_a_connection_is_used_again() -> None:
    async with raw_server(numbering) as server, pool() as transport:
        assert [await get(transport, server.url) for _ in range(3)] == [b"1"] * 3


async def test_the_connection_that_rested_last_is_used_first() -> None:
    both_came = asyncio.Barrier(2)

    async def script(connection: Connection) -> None:
        await connection.request()
        await both_came.wait()
        while True:
            await connection.send(reply(b"%d" % connection.number))
            await connection.request()

    async with raw_server(script) as server, pool() as transport:
        await asyncio.gather(get(transport, server.url), get(transport, server.url))
        last = await get(transport, server.url)
        assert [await get(transport, server.url) for _ in range(3)] == [last] * 3


async def test_servers_share_no_connection() -> None:
    async with raw_server(numbering) as one, raw_server(numbering) as two, pool() as transport:
        for _ in range(2):
            await get(transport, one.url)
            await get(transport, two.url)
        assert (one.connections, two.connections) == (1, 1)


async def test_a_connection_that_has_rested_too_long_is_not_used_again() -> None:
    with skipping_clock() as clock:
        async with raw_server(numbering) as server, pool() as transport:
            assert await get(transport, server.url) == b"1"
            clock.skip(14)
            assert await get(transport, server.url) == b"1"
            clock.skip(16)
            assert await get(transport, server.url) == b"2"


async def test_connections_that_rest_too_long_are_closed() -> None:
    with skipping_clock() as clock:
        async with raw_server(numbering) as server, pool() as transport:
            await get(transport, server.url)
            clock.skip(31)
            await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


async def test_one_that_the_server_has_closed_is_not_used_again() -> None:
    closed = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(reply(b"%d" % connection.number))
        closed.set()

    async with raw_server(script) as server, pool() as transport:
        assert await get(transport, server.url) == b"1"
        await closed.wait()
        for _ in range(20):
            await asyncio.sleep(0)  # its end is taken in
        assert await get(transport, server.url) == b"2"


async def test_closing_the_pool_closes_what_rests() -> None:
    async with raw_server(numbering) as server:
        async with pool() as transport:
            await get(transport, server.url)
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


async def test_what_goes_wrong_is_said_in_the_words_of_httpx() -> None:
    async def script(connection: Connection) -> None:
        request = await connection.request()
        if b"silent" in request:
            await connection.gone()
        if b"half" in request:
            await connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
        if b"none" in request:
            await connection.send(b"SSH-2.0\r\n\r\n")

    async with raw_server(script) as server, pool() as transport:
        with pytest.raises(NotAnswered):
            await get(transport, server.url)
        with pytest.raises(httpx.ReadError) as caught:
            await get(transport, f"{server.url}/half")
        assert not isinstance(caught.value, NotAnswered)
        with pytest.raises(httpx.RemoteProtocolError):
            await get(transport, f"{server.url}/none")
        with pytest.raises(httpx.ReadTimeout):
            await get(transport, f"{server.url}/silent", timeout_s=0.05)


async def test_a_name_that_leads_nowhere_is_a_connect_error() -> None:
    async with pool() as transport:
        for host in ("no-such-host.invalid", "a..b"):
            with pytest.raises(httpx.ConnectError):
                await get(transport, f"http://{host}/")


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost's own, with its key in one file."""
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(  # noqa: S603 - a fixed command
        [*command.split(), *names, "-keyout", file, "-out", file.with_suffix(".crt")],
        check=True,
        capture_output=True,
    )
    file.write_bytes(file.read_bytes() + file.with_suffix(".crt").read_bytes())
    return file


@asynccontextmanager
async def secure_server(certificate: Path) -> AsyncIterator[str]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = RawServer(numbering)
    listener = await asyncio.start_server(server.accept, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://localhost:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        await server.stop()
        await listener.wait_closed()


async def test_a_server_with_a_known_certificate_is_spoken_to_over_tls(certificate: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with secure_server(certificate) as url, pool(trusting) as transport:
        assert [await get(transport, url) for _ in range(2)] == [b"1", b"1"]


async def test_a_server_with_an_unknown_certificate_is_not_spoken_to(certificate: Path) -> None:
    async with secure_server(certificate) as url, pool() as transport:
        with pytest.raises(httpx.ConnectError):
            await get(transport, url)


async def test_a_certificate_for_another_name_is_refused(certificate: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with secure_server(certificate) as url, pool(trusting) as transport:
        with pytest.raises(httpx.ConnectError):
            await get(transport, url.replace("localhost", "127.0.0.1"))
