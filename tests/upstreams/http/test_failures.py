"""Why a request failed, as it is told after real failures on real sockets."""

from __future__ import annotations

import asyncio
import datetime as dt
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest import mock

import pytest
import trustme

from proxy.errors import BadReply, Unreachable, UpstreamError, UpstreamTimeout
from proxy.upstreams.http.endpoint import Endpoint
from proxy.upstreams.http.pool import PooledTransport
from tests.support.clock import LIMIT_S, skipping_clock
from tests.support.peers import closing, once, resetting, stalling
from tests.upstreams.endpoints import connected, endpoint, failure, post, served
from tests.upstreams.raw_server import (
    Connection,
    Script,
    raw_server,
    reply,
)
from tests.upstreams.secure_server import AUTHORITY, secure_server, trust

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


async def answering(connection: Connection) -> None:
    while True:
        request = await connection.request()
        await connection.send(reply(request.partition(b"host: ")[2].partition(b"\r\n")[0]))


@asynccontextmanager
async def trusting(url: str, authority: trustme.CA | None = AUTHORITY) -> AsyncIterator[Endpoint]:
    transport = PooledTransport(trust(authority))
    try:
        yield endpoint(url, transport)
    finally:
        await transport.aclose()


@pytest.mark.parametrize(
    ("certificate", "authority", "cause", "said"),
    [
        (AUTHORITY.issue_cert("localhost"), None, "tls_unknown_ca", "not from a known authority"),
        (AUTHORITY.issue_cert("other.test"), AUTHORITY, "tls_host_name", "names another host"),
        (
            AUTHORITY.issue_cert("localhost", not_before=LONG_AGO, not_after=LONG_AGO),
            AUTHORITY,
            "tls_expired",
            "has expired",
        ),
    ],
)
async def test_a_certificate_that_is_not_accepted_is_told_with_its_fault(
    certificate: trustme.LeafCert, authority: trustme.CA | None, cause: str, said: str
) -> None:
    async with (
        secure_server(answering, certificate) as server,
        trusting(server.url, authority) as upstream,
    ):
        error = await failure(upstream)
    assert type(error) is Unreachable
    assert error.cause == cause
    assert said in error.message
    assert error.message.endswith("Tell the operator of the proxy.")
    assert not error.retryable  # SDKs would repeat the request, and meet the same certificate


async def test_a_name_with_the_roots_dot_is_asked_for_as_it_is_and_spoken_to_without_it() -> None:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo("127.0.0.1", 0, type=socket.SOCK_STREAM)
    async with (
        secure_server(answering, AUTHORITY.issue_cert("upstream.test")) as server,
        trusting(server.url.replace("localhost", "upstream.test.")) as upstream,
    ):
        port = int(server.url.rpartition(":")[2])
        here = [(*kind, ("127.0.0.1", port)) for *kind, _ in found]
        with mock.patch.object(loop, "getaddrinfo", return_value=here) as asked:
            assert await post(upstream) == (200, b"upstream.test:%d" % port)
        asked.assert_awaited_once_with("upstream.test.", port, type=socket.SOCK_STREAM)


async def test_tls_spoken_to_a_server_that_speaks_none_is_told() -> None:
    async def script(connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await connection.gone()

    async with (
        raw_server(script) as server,
        trusting(server.url.replace("http:", "https:")) as upstream,
    ):
        assert (await failure(upstream)).cause == "tls"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b"])
async def test_a_name_that_leads_nowhere_is_told(host: str) -> None:
    async with connected(f"http://{host}") as upstream:
        error = await failure(upstream)
    assert type(error) is Unreachable
    assert error.cause == "dns"


@pytest.mark.parametrize(
    ("script", "kind", "cause"),
    [
        (closing, Unreachable, "closed"),
        (resetting, Unreachable, "reset"),
        (once(b"SSH-2.0\r\n\r\n", then=Connection.gone), BadReply, "not_http"),
    ],
)
async def test_what_a_server_does_instead_of_answering_is_told(
    script: Script, kind: type[UpstreamError], cause: str
) -> None:
    async with served(script) as (_, upstream):
        error = await failure(upstream)
    assert type(error) is kind
    assert error.cause == cause


async def test_a_server_that_says_nothing_is_told() -> None:
    with skipping_clock() as clock:
        async with served(stalling(clock)) as (_, upstream):
            error = await failure(upstream, timeout_s=LIMIT_S)
    assert type(error) is UpstreamTimeout
    assert error.cause == "read_timeout"


@asynccontextmanager
async def no_descriptors() -> AsyncIterator[None]:
    """Let this process open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as last:
        most = last.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_process_without_descriptors_blames_itself(host: str) -> None:
    async with raw_server(answering) as server:
        url = server.url.replace("127.0.0.1", host)
        async with connected(url) as upstream:
            async with no_descriptors():
                error = await failure(upstream)
            assert error.cause == "no_descriptors"
            assert (await post(upstream))[0] == 200
