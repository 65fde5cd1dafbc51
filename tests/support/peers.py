"""What a server does on a connection, and addresses where none answers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

from bench.sockets import free_port
from tests.support.clock import LIMIT_S, Clock, skipping_clock
from tests.upstreams.raw_server import Connection, Script, reply


def once(*parts: bytes, then: Script | Callable[[Connection], None] | None = None) -> Script:
    """Answer one request in these parts, each surely sent by itself, and close after `then`."""

    async def script(connection: Connection) -> None:
        await connection.request()
        for part in parts:
            await connection.send(part)
            await asyncio.sleep(0)
        if then is not None and (more := then(connection)) is not None:
            await more

    return script


def stalling(clock: Clock, *parts: bytes) -> Script:
    """Answer one request in these parts, and let a limit of LIMIT_S run out."""

    async def stall(connection: Connection) -> None:
        await clock.run_out()
        await connection.gone()

    return once(*parts, then=stall)


def always(data: bytes, came: list[bytes] | None = None) -> Script:
    """Answer every request with `data`; `came` gets the requests."""

    async def script(connection: Connection) -> None:
        while True:
            request = await connection.request()
            if came is not None:
                came.append(request)
            await connection.send(data)

    return script


async def numbering(connection: Connection) -> None:
    """Answer each request with the number of its connection."""
    while True:
        await connection.request()
        await connection.send(reply(b"%d" % connection.number))


closing = once()
resetting = once(then=Connection.reset)
silent = once(then=Connection.gone)


def refusing() -> str:
    """The URL of an address that nobody listens on."""
    return _url_of(("127.0.0.1", free_port()))


@contextmanager
def unaccepting() -> Iterator[str]:
    """The URL of an address where connections are never accepted."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as listener,
        # One connection fills the queue of a server that accepts none; all others wait.
        socket.create_connection(listener.getsockname()),
    ):
        yield _url(listener)


@contextmanager
def unreachable() -> Iterator[str]:
    """The same in the running event loop, where a limit of LIMIT_S runs out for whoever tries."""
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect
    with unaccepting() as url, skipping_clock() as clock:

        async def trying(connection: socket.socket, address: tuple[str, int]) -> None:
            if _url_of(address) == url:
                loop.call_soon(clock.skip, LIMIT_S + 1)
            await connect(connection, address)

        with mock.patch.object(loop, "sock_connect", trying):
            yield url


def _url(listener: socket.socket) -> str:
    return _url_of(listener.getsockname())


def _url_of(address: tuple[str, int]) -> str:
    return f"http://127.0.0.1:{address[1]}"
