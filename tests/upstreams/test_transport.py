"""The pool: which connections are used again, for whom, and how long they are kept."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxy.errors import Unreachable
from proxy.upstreams.transport import NotAnswered, PooledTransport
from tests.support.clock import skipping_clock
from tests.upstreams.endpoints import endpoint, post
from tests.upstreams.raw_server import (
    PATIENCE_S,
    Connection,
    RawServer,
    Script,
    chunked,
    raw_server,
    reply,
)


@asynccontextmanager
async def pool(certificates: ssl.SSLContext | None = None) -> AsyncIterator[PooledTransport]:
    opened = PooledTransport(certificates or ssl.create_default_context())
    try:
        yield opened
    finally:
        await opened.aclose()


def request(
    url: str, *, timeout_s: float = PATIENCE_S, connect_timeout_s: float = PATIENCE_S
) -> httpx.Request:
    timeouts = {"connect": connect_timeout_s, "read": timeout_s}
    return httpx.Request("GET", url, extensions={"timeout": timeouts})


async def get(transport: PooledTransport, url: str, **timeouts: float) -> bytes:
    response = await transport.handle_async_request(request(url, **timeouts))
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


async def test_names_of_one_server_share_no_connection() -> None:
    async with raw_server(numbering) as server, pool() as transport:
        assert await get(transport, server.url) == b"1"
        assert await get(transport, server.url.replace("127.0.0.1", "localhost")) == b"2"
        assert await get(transport, server.url) == b"1"


async def test_a_secure_request_is_never_sent_over_a_connection_that_is_not() -> None:
    heard: list[bytes] = []

    async def script(connection: Connection) -> None:
        heard.append(await connection.request())
        await connection.send(reply(b"1"))
        await connection.request()
        heard.append(b"more")

    async with raw_server(script) as server, pool() as transport:
        assert await get(transport, server.url) == b"1"
        with pytest.raises((httpx.ConnectError, httpx.ConnectTimeout)):
            await get(transport, server.url.replace("http:", "https:"), connect_timeout_s=0.05)
        assert server.connections == 2
        assert len(heard) == 1


async def test_a_request_waits_for_no_connection_of_another_and_both_are_kept() -> None:
    async with raw_server(numbering) as server, pool() as transport:
        first = await transport.handle_async_request(request(server.url))
        second = await transport.handle_async_request(request(server.url))
        assert {await first.aread(), await second.aread()} == {b"1", b"2"}
        await first.aclose()
        await second.aclose()
        assert {await get(transport, server.url) for _ in range(2)} == {b"2"}
        assert server.connections == 2


async def test_a_reply_that_is_closed_twice_gives_its_connection_back_once() -> None:
    async with raw_server(numbering) as server, pool() as transport:
        first = await transport.handle_async_request(request(server.url))
        await first.aread()
        await first.aclose()
        second = await transport.handle_async_request(request(server.url))
        await first.stream.aclose()  # type: ignore[union-attr]
        third = await transport.handle_async_request(request(server.url))
        assert [await second.aread(), await third.aread()] == [b"1", b"2"]
        await second.aclose()
        await third.aclose()


async def test_a_reply_that_is_closed_reads_nothing_of_the_next() -> None:
    async with raw_server(numbering) as server, pool() as transport:
        first = await transport.handle_async_request(request(server.url))
        body = first.stream
        assert isinstance(body, httpx.AsyncByteStream)
        assert [part async for part in body] == [b"1"]
        await body.aclose()
        second = await transport.handle_async_request(request(server.url))
        assert [part async for part in body] == []
        assert await second.aread() == b"1"
        await second.aclose()


async def test_a_cancelled_request_leaves_no_connection_for_another() -> None:
    has_come = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        has_come.set()
        if connection.number == 1:
            await connection.gone()
        await connection.send(reply(b"%d" % connection.number))
        await connection.gone()

    async with raw_server(script) as server, pool() as transport:
        asking = asyncio.create_task(get(transport, server.url))
        await asyncio.wait_for(has_come.wait(), PATIENCE_S)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await get(transport, server.url) == b"2"
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


async def test_a_reply_that_was_not_read_to_its_end_leaves_no_connection_for_another() -> None:
    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(chunked(b"%d" % connection.number))

    async with raw_server(script) as server, pool() as transport:
        for number in (b"1", b"2"):
            response = await transport.handle_async_request(request(server.url))
            assert await anext(aiter(response.stream)) == number  # type: ignore[arg-type]
            await response.aclose()


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


async def test_only_what_rests_too_long_is_closed_and_the_rest_in_its_turn() -> None:
    ended = asyncio.Queue[int]()
    both_came = asyncio.Barrier(2)

    async def script(connection: Connection) -> None:
        await connection.request()
        await both_came.wait()
        await connection.send(reply(b"%d" % connection.number))
        await connection.request()
        await connection.send(reply(b"%d" % connection.number))
        await connection.gone()
        ended.put_nowait(connection.number)

    with skipping_clock() as clock:
        async with raw_server(script) as server, pool() as transport:
            await asyncio.gather(get(transport, server.url), get(transport, server.url))
            clock.skip(10)
            last = int(await get(transport, server.url))
            clock.skip(6)
            # The one that was used once ends by itself, for its script waits for a request.
            await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)
            assert ended.empty()
            clock.skip(16)
            assert await asyncio.wait_for(ended.get(), PATIENCE_S) == last


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


async def test_closing_the_pool_leaves_a_reply_that_is_being_read() -> None:
    go_on = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf")
        await go_on.wait()
        await connection.send(b"half")
        await connection.gone()

    async with raw_server(script) as server, pool() as transport:
        response = await transport.handle_async_request(request(server.url))
        await transport.aclose()
        go_on.set()
        assert await response.aread() == b"halfhalf"
        await response.aclose()


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


# More than one address


@pytest.fixture
def answering_port() -> Iterator[int]:
    """Where a server answers one request, in a thread: its client has a loop of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            accepted, _ = listener.accept()
            with accepted:
                accepted.recv(65_536)
                accepted.sendall(reply(b"yes"))

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(PATIENCE_S)


class Resolver(asyncio.SelectorEventLoop):
    """An event loop for which every name has the given addresses."""

    def __init__(self, *addresses: tuple[str, int]) -> None:
        super().__init__()
        self._addresses = addresses

    async def getaddrinfo(self, *_: Any, **__: Any) -> Any:
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, address) for address in self._addresses]


def asked_at(*addresses: tuple[str, int]) -> bytes:
    async def ask() -> bytes:
        async with pool() as transport:
            return await get(transport, "http://many.test/")

    with asyncio.Runner(loop_factory=lambda: Resolver(*addresses)) as runner:
        return runner.run(ask())


def test_an_address_that_refuses_gives_way_to_the_next(answering_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        refusing = gone.getsockname()
    assert asked_at(refusing, ("127.0.0.1", answering_port)) == b"yes"


def test_an_address_that_is_silent_gives_way_to_the_next(answering_port: int) -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as silent,
        # One connection fills the queue of a server that accepts none; all others wait.
        socket.create_connection(silent.getsockname()),
    ):
        assert asked_at(silent.getsockname(), ("127.0.0.1", answering_port)) == b"yes"


def test_a_name_of_which_no_address_answers_is_a_connect_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        refusing = gone.getsockname()
    with pytest.raises(httpx.ConnectError):
        asked_at(refusing, refusing)


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
        timeout=60,
    )
    file.write_bytes(file.read_bytes() + file.with_suffix(".crt").read_bytes())
    return file


@asynccontextmanager
async def secure_server(certificate: Path, script: Script = numbering) -> AsyncIterator[str]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = RawServer(script)
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


async def test_a_bad_certificate_makes_an_upstream_unreachable(certificate: Path) -> None:
    async with secure_server(certificate) as url, pool() as transport:
        with pytest.raises(Unreachable, match="Upstream could not be reached"):
            await post(endpoint(url, transport))


async def test_a_long_reply_comes_whole_over_tls(certificate: Path) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(reply(b"0123456789" * 500_000))
        await connection.gone()

    trusting = ssl.create_default_context(cafile=str(certificate))
    async with secure_server(certificate, script) as url, pool(trusting) as transport:
        assert await get(transport, url) == b"0123456789" * 500_000


async def test_a_reply_that_is_cut_short_over_tls_is_no_whole_one(certificate: Path) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")

    trusting = ssl.create_default_context(cafile=str(certificate))
    async with secure_server(certificate, script) as url, pool(trusting) as transport:
        with pytest.raises(httpx.ReadError):
            await get(transport, url)


async def test_a_server_that_does_not_answer_the_handshake_is_a_connect_time_out() -> None:
    async with raw_server(Connection.gone) as server, pool() as transport:
        with pytest.raises(httpx.ConnectTimeout):
            await get(transport, server.url.replace("http:", "https:"), connect_timeout_s=0.05)
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


async def test_cancelling_in_the_handshake_closes_the_connection() -> None:
    has_come = asyncio.Event()

    async def script(connection: Connection) -> None:
        has_come.set()
        await connection.gone()

    async with raw_server(script) as server, pool() as transport:
        asking = asyncio.create_task(get(transport, server.url.replace("http:", "https:")))
        await asyncio.wait_for(has_come.wait(), PATIENCE_S)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)
