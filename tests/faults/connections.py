"""Addresses at which no connection to an upstream can be made, each in its own way."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import trustme

from tests.support.peers import refusing, unreachable
from tests.upstreams.raw_server import Connection, raw_server
from tests.upstreams.secure_server import AUTHORITY, secure_server

_LONG_AGO: Final = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
UNCONNECTED: Final = (
    "connection refused",
    "connection not accepted",
    "host name does not resolve",
    "certificate of an unknown authority",
    "certificate that has expired",
    "certificate for another host",
    "no TLS on the port",
)


@asynccontextmanager
async def unconnected() -> AsyncIterator[dict[str, str]]:
    """A base URL for each of `UNCONNECTED`."""
    async with AsyncExitStack() as stack:
        certificates = (
            trustme.CA().issue_cert("localhost"),
            AUTHORITY.issue_cert("localhost", not_before=_LONG_AGO, not_after=_LONG_AGO),
            AUTHORITY.issue_cert("other.test"),
        )
        secure = [
            (await stack.enter_async_context(secure_server(_refuse, each))).url
            for each in certificates
        ]
        plain = (await stack.enter_async_context(raw_server(_refuse))).url
        urls = (
            refusing(),
            stack.enter_context(unreachable()),
            "http://no-such-host.invalid",
            *secure,
            plain.replace("http://127.0.0.1", "https://localhost"),
        )
        yield dict(zip(UNCONNECTED, urls, strict=True))


async def _refuse(connection: Connection) -> None:
    await connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
