"""The way to an upstream: direct or by a proxy, over TLS with an authority of one's own."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme

from proxy.errors import Unreachable, UpstreamTimeout
from proxy.settings import Settings
from proxy.upstreams.http.circuits import NEVER_OPEN
from proxy.upstreams.http.endpoint import Endpoint, pooled_transport
from proxy.upstreams.http.guarded import GuardedTransport
from proxy.upstreams.http.outbound import Outbound
from proxy.upstreams.http.over_httpx import OverHttpx
from proxy.upstreams.http.pool import PooledTransport
from proxy.upstreams.http.proxied import ProxiedTransport
from tests.support.clock import LIMIT_S, skipping_clock
from tests.support.connect_proxy import ConnectProxy, connect_proxy
from tests.support.peers import numbering, stalling
from tests.upstreams.endpoints import KEY, failure, post
from tests.upstreams.raw_server import (
    PATIENCE_S,
    Connection,
    RawServer,
    Script,
    chunk,
    chunked,
    raw_server,
    reply,
)
from tests.upstreams.secure_server import AUTHORITY, LOCALHOST, secure_server, write_authority
from tests.upstreams.wires import Heard, cancel

USER, PASSWORD = "us@er", "pass:w/rd"
CREDENTIALS = "us%40er:pass%3Aw%2Frd"


@asynccontextmanager
async def way_to(
    url: str, environment: dict[str, str], *, connect_timeout_s: float = PATIENCE_S, **settings: Any
) -> AsyncIterator[Endpoint]:
    made = Settings(lighton_base_url=url, scaleway_base_url=f"{url}/v1", **settings)
    outbound = Outbound.of(made, environment)
    try:
        yield Endpoint("Upstream", url, KEY, outbound.search, connect_timeout_s)
    finally:
        await outbound.aclose()


def variables(proxy: ConnectProxy, credentials: str = "") -> dict[str, str]:
    url = proxy.url.replace("//", f"//{credentials}@") if credentials else proxy.url
    return {"HTTPS_PROXY": url, "HTTP_PROXY": url}


class Way(NamedTuple):
    """A secure server, the proxy on the way to it, and who goes that way."""

    server: RawServer
    proxy: ConnectProxy
    upstream: Endpoint


@asynccontextmanager
async def by_proxy(
    script: Script = numbering,
    credentials: str = "",
    *,
    certificate: trustme.LeafCert | None = None,
    **settings: Any,
) -> AsyncIterator[Way]:
    user = (USER, PASSWORD) if credentials else ("", "")
    async with (
        secure_server(script) as server,
        connect_proxy(*user, certificate=certificate) as proxy,
    ):
        with AUTHORITY.cert_pem.tempfile() as known:
            to = way_to(server.url, variables(proxy, credentials), ca_file=known, **settings)
            async with to as upstream:
                yield Way(server, proxy, upstream)


# The choice


async def test_each_upstream_has_the_transport_that_the_variables_choose() -> None:
    settings = Settings(
        lighton_base_url="http://lighton.test", scaleway_base_url="https://scw.test"
    )
    environment = {"HTTPS_PROXY": "http://p:1"}
    outbound = Outbound.of(settings, environment)
    assert isinstance(outbound.search, PooledTransport)
    assert isinstance(outbound.model, OverHttpx)
    assert isinstance(outbound.model.transport, ProxiedTransport)
    direct = Outbound.of(settings, {**environment, "NO_PROXY": "scw.test"})
    assert direct.search is direct.model
    await outbound.aclose()
    await direct.aclose()


# By a proxy


@pytest.mark.parametrize("credentials", ["", CREDENTIALS])
async def test_a_secure_upstream_is_reached_by_connect_and_the_connection_kept(
    credentials: str,
) -> None:
    async with by_proxy(credentials=credentials) as way:
        assert await post(way.upstream) == (200, b"1")
        assert await post(way.upstream) == (200, b"1")
        assert way.proxy.asked == [f"CONNECT {way.server.url.removeprefix('https://')} HTTP/1.1"]


async def test_a_proxy_may_itself_be_spoken_to_over_tls() -> None:
    async with by_proxy(credentials=CREDENTIALS, certificate=LOCALHOST) as way:
        assert await post(way.upstream) == (200, b"1")
        assert len(way.proxy.asked) == 1


async def test_a_plain_upstream_is_asked_for_by_its_whole_address() -> None:
    async with (
        raw_server(numbering) as server,
        connect_proxy(USER, PASSWORD) as proxy,
        way_to(server.url, variables(proxy, CREDENTIALS)) as upstream,
    ):
        assert await post(upstream) == (200, b"1")
        assert proxy.asked == [f"POST {server.url}/ask HTTP/1.1"]


async def test_what_streams_arrives_part_by_part() -> None:
    may_go_on = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(chunked(b"data: one\n\n"))
        await may_go_on.wait()
        await connection.send(chunk(b"data: two\n\n") + chunk(b""))
        await connection.gone()

    heard = Heard()
    async with by_proxy(script) as way:
        asking = asyncio.create_task(way.upstream.push("POST", "/ask", heard, body=b"{}"))
        await heard.until_heard(1)
        assert heard.parts == [b"data: one\n\n"]
        may_go_on.set()
        await asking
        assert heard.parts == [b"data: one\n\n", b"data: two\n\n"]


async def test_a_stream_that_is_left_is_ended_at_the_upstream() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(chunked(b"data: one\n\n"))
        await connection.gone()

    async with by_proxy(script) as way:
        heard = Heard()
        asking = asyncio.create_task(way.upstream.push("POST", "/ask", heard))
        await heard.until_heard(1)
        await cancel(asking)
        await asyncio.wait_for(way.server.hung_up.wait(), PATIENCE_S)


async def test_wrong_credentials_are_told_without_them(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        raw_server(numbering) as server,
        connect_proxy(USER, "another") as proxy,
        way_to(server.url.replace("http:", "https:"), variables(proxy, CREDENTIALS)) as upstream,
    ):
        error = await failure(upstream)
        assert type(error) is Unreachable
        assert error.cause == "proxy_credentials"
        assert error.said == "HTTP 407"
        assert len(proxy.asked) == 1
        assert server.connections == 0
    told = f"{error!r} {error.message} {caplog.text}"
    for secret in (PASSWORD, CREDENTIALS, KEY, "cGFzczp3L3Jk"):
        assert secret not in told


async def test_a_proxy_that_never_answers_is_a_connect_time_out_in_time() -> None:
    with skipping_clock() as clock:
        async with (
            connect_proxy() as proxy,
            way_to(
                "https://upstream.test", variables(proxy), connect_timeout_s=LIMIT_S
            ) as upstream,
        ):
            proxy.stalls = clock
            error = await failure(upstream)
            assert type(error) is UpstreamTimeout
            assert error.cause == "connect_timeout"
            assert len(proxy.asked) == 1


async def test_an_upstream_that_never_answers_is_a_read_time_out_and_asked_once() -> None:
    with skipping_clock() as clock:
        async with by_proxy(stalling(clock)) as way:
            error = await failure(way.upstream, timeout_s=LIMIT_S)
            assert type(error) is UpstreamTimeout
            assert error.cause == "read_timeout"
            assert way.server.connections == 1


async def test_an_answer_may_take_longer_than_a_connection() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(reply())
        await connection.request()
        await clock.run_out()
        await connection.send(reply(b"late"))

    with skipping_clock() as clock:
        async with by_proxy(script) as way:
            await post(way.upstream)
            way.upstream.connect_timeout_s = LIMIT_S
            assert await post(way.upstream, timeout_s=2 * PATIENCE_S) == (200, b"late")


@pytest.mark.parametrize("is_reset", [False, True])
async def test_a_kept_connection_that_is_dead_is_replaced_with_all_others_and_asked_once_more(
    *, is_reset: bool
) -> None:
    both_came = asyncio.Barrier(2)

    async def script(connection: Connection) -> None:
        await connection.request()
        if connection.number < 3:
            await both_came.wait()
        await connection.send(reply(b"%d" % connection.number))
        await connection.request()
        if connection.number < 3:
            if is_reset:
                connection.reset()
            return
        await connection.send(reply(b"again"))
        await connection.gone()

    async with by_proxy(script) as way:
        await asyncio.gather(post(way.upstream), post(way.upstream))
        assert await post(way.upstream) == (200, b"3")
        assert await post(way.upstream) == (200, b"again")
        assert way.server.connections == 3


async def test_a_kept_connection_that_is_no_longer_waited_for_is_replaced() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(reply(b"%d" % connection.number))
        await connection.request()
        await connection.send(reply(status="408 Request Timeout"))
        await connection.gone()

    async with by_proxy(script) as way:
        assert await post(way.upstream) == (200, b"1")
        assert await post(way.upstream) == (200, b"2")


async def test_a_request_on_a_new_connection_is_never_sent_twice() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()

    async with by_proxy(script) as way:
        error = await failure(way.upstream)
        assert type(error) is Unreachable
        assert error.cause == "closed"
        assert way.server.connections == 1


async def test_an_old_connection_takes_no_new_request() -> None:
    async with by_proxy(connection_max_age_s=1e-9) as way:
        assert await post(way.upstream) == (200, b"1")
        assert await post(way.upstream) == (200, b"2")
        await asyncio.wait_for(way.server.hung_up.wait(), PATIENCE_S)


async def test_connections_that_fail_are_let_go_of() -> None:
    async with (
        secure_server(numbering) as server,
        connect_proxy() as proxy,
        way_to(server.url, variables(proxy)) as upstream,  # which does not know the authority
    ):
        assert isinstance(upstream.transport, OverHttpx)
        transport = upstream.transport.transport
        assert isinstance(transport, ProxiedTransport)
        for _ in range(3):
            assert (await failure(upstream)).cause == "tls_unknown_ca"
            assert transport._pool is None


# Certificates


@pytest.mark.parametrize("by_proxy", [False, True])
async def test_a_private_authority_is_trusted_beside_the_system_s(
    tmp_path: Path, *, by_proxy: bool
) -> None:
    async with secure_server(numbering) as server, connect_proxy() as proxy:
        environment = variables(proxy) if by_proxy else {}
        async with way_to(server.url, environment) as upstream:
            assert (await failure(upstream)).cause == "tls_unknown_ca"
        known = write_authority(AUTHORITY, tmp_path)
        async with way_to(server.url, environment, ca_file=known) as upstream:
            assert await post(upstream) == (200, b"1")
        assert bool(proxy.asked) is by_proxy


@pytest.mark.parametrize("by_proxy", [False, True])
async def test_an_upstream_that_asks_for_a_certificate_is_shown_it(
    tmp_path: Path, *, by_proxy: bool
) -> None:
    clients = trustme.CA()
    own = clients.issue_cert("proxy.test")
    certificate, key = tmp_path / "own.pem", tmp_path / "own.key"
    own.cert_chain_pems[0].write_to_path(str(certificate))
    own.private_key_pem.write_to_path(str(key))
    known = write_authority(AUTHORITY, tmp_path)
    async with (
        secure_server(numbering, asks_for=clients) as server,
        connect_proxy() as proxy,
    ):
        environment = variables(proxy) if by_proxy else {}
        shown: dict[str, Any] = {"client_certificate": str(certificate), "client_key": str(key)}
        async with way_to(server.url, environment, ca_file=known, **shown) as upstream:
            assert await post(upstream) == (200, b"1")
        async with way_to(server.url, environment, ca_file=known) as upstream:
            assert isinstance(await failure(upstream), Unreachable)


async def test_the_variable_of_openssl_names_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"SSL_CERT_FILE": write_authority(AUTHORITY, tmp_path)}
    monkeypatch.setenv("SSL_CERT_FILE", environment["SSL_CERT_FILE"])
    async with (
        secure_server(numbering) as server,
        way_to(server.url, environment) as upstream,
    ):
        assert await post(upstream) == (200, b"1")
    assert ssl.get_default_verify_paths().cafile == environment["SSL_CERT_FILE"]


@pytest.mark.parametrize(
    ("given", "loads"),
    [
        ({}, False),
        ({"lighton_base_url": "https://lighton.test"}, True),
        ({"scaleway_base_url": "https://scaleway.test/v1"}, True),
        ({"identity": {"oidc": {"issuer": "https://issuer.test", "audience": "a"}}}, True),
        ({"ca_file": "missing.pem"}, True),
        ({"client_key": "missing.pem"}, True),
    ],
)
def test_the_system_s_authorities_are_loaded_only_for_what_goes_over_tls(
    given: dict[str, Any], *, loads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []
    monkeypatch.setattr("proxy.upstreams.http.outbound.client_context", lambda *_: loaded.append(1))
    plain = {"lighton_base_url": "http://x.test", "scaleway_base_url": "http://x.test/v1"}
    Outbound.of(Settings(**{**plain, **given}), {})
    assert bool(loaded) == loads


async def test_a_pool_without_certificates_sends_nothing_in_clear_to_a_secure_server() -> None:
    async with secure_server(numbering, LOCALHOST) as server:
        upstream = Endpoint("Upstream", server.url, KEY, PooledTransport(None), 5)
        assert (await failure(upstream)).cause == "tls_unknown_ca"


def test_both_ways_may_have_breakers_and_stay_one_if_they_were() -> None:
    one = Outbound.over(pooled_transport()).guarded(NEVER_OPEN)
    assert isinstance(one.search, GuardedTransport)
    assert one.search is one.model
    two = replace(one, model=pooled_transport()).guarded(NEVER_OPEN)
    assert two.search is not two.model
