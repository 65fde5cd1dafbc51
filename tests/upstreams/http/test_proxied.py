"""Whose fault it is, where an outbound proxy is on the way; the way itself: test_outbound."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import trustme

from proxy.errors import Unreachable, UpstreamError, UpstreamTimeout
from proxy.settings import Settings
from proxy.upstreams.http.endpoint import Endpoint
from proxy.upstreams.http.outbound import Outbound
from tests.support.clock import LIMIT_S, skipping_clock
from tests.support.connect_proxy import connect_proxy
from tests.support.peers import once, resetting
from tests.upstreams.endpoints import KEY, post
from tests.upstreams.raw_server import PATIENCE_S, Script, raw_server, reply
from tests.upstreams.secure_server import AUTHORITY, LOCALHOST, secure_server, write_authority

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
PASSWORD = "s3cr3t-w0rd"
UPSTREAMS = ["http://upstream.test", "https://upstream.test"]


async def failure(
    url: str, proxy: str, *, authority: str | None = None, connect_timeout_s: float = PATIENCE_S
) -> UpstreamError:
    """What comes of a request to `url` by way of `proxy`."""
    by = proxy.replace("//", f"//user:{PASSWORD}@")
    outbound = Outbound.of(
        Settings(lighton_base_url=url, ca_file=authority), {"HTTP_PROXY": by, "HTTPS_PROXY": by}
    )
    try:
        endpoint = Endpoint("Upstream", url, KEY, outbound.search, connect_timeout_s)
        with pytest.raises(UpstreamError) as caught:
            await post(endpoint)
    finally:
        await outbound.aclose()
    assert PASSWORD not in f"{caught.value!r} {caught.value.message} {caught.value.said}"
    return caught.value


@pytest.mark.parametrize("url", UPSTREAMS)
async def test_a_407_is_the_proxy_s_whether_it_was_asked_to_lead_or_to_pass_on(url: str) -> None:
    async with raw_server(once(reply(status="407 Proxy Auth Required"))) as proxy:
        error = await failure(url, proxy.url)
    assert type(error) is Unreachable
    assert (error.cause, error.said) == ("proxy_credentials", "HTTP 407")
    assert error.message == (
        "The outbound proxy to Upstream wants credentials. Tell the operator of the proxy."
    )


@pytest.mark.parametrize("status", ["302 Found", "403 Forbidden", "502 Bad Gateway"])
async def test_every_other_answer_to_connect_is_a_refusal(status: str) -> None:
    async with raw_server(once(reply(status=status))) as proxy:
        error = await failure("https://upstream.test", proxy.url)
    assert type(error) is Unreachable
    assert (error.cause, error.said) == ("proxy", f"HTTP {status[:3]}")
    assert error.message.startswith("The outbound proxy to Upstream refused. ")


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        (once(b"garbage\r\n\r\n"), "proxy_not_http"),
        (once(b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000), "proxy_not_http"),
        (once(b""), "proxy_closed"),
        (resetting, "proxy_reset"),
    ],
)
async def test_what_fails_before_connect_is_answered_is_the_proxy_s(
    script: Script, cause: str
) -> None:
    async with raw_server(script) as proxy:
        error = await failure("https://upstream.test", proxy.url)
    assert type(error) is Unreachable
    assert error.cause == cause
    assert error.message.startswith("The outbound proxy to Upstream could not be used: ")


@pytest.mark.parametrize("url", UPSTREAMS)
@pytest.mark.parametrize(
    ("proxy", "cause"),
    [("http://127.0.0.1:1", "proxy_refused"), ("http://proxy.invalid:80", "proxy_dns")],
)
async def test_a_proxy_that_is_not_there_is_named(url: str, proxy: str, cause: str) -> None:
    error = await failure(url, proxy)
    assert error.cause == cause
    assert error.message.startswith("The outbound proxy to Upstream could not be used: ")


async def test_a_proxy_that_takes_no_connection_in_time_is_a_time_out() -> None:
    async with raw_server(once(b"")) as proxy:  # TLS is never answered there
        error = await failure(
            "https://upstream.test", proxy.url.replace("http:", "https:"), connect_timeout_s=0.05
        )
    assert type(error) is UpstreamTimeout
    assert error.cause == "proxy_connect_timeout"
    assert error.message.startswith("The outbound proxy to Upstream could not be used: ")


async def test_a_proxy_that_does_not_lead_on_in_time_is_not_blamed_alone() -> None:
    with skipping_clock() as clock:
        async with connect_proxy("user", PASSWORD) as proxy:
            proxy.stalls = clock
            error = await failure("https://upstream.test", proxy.url, connect_timeout_s=LIMIT_S)
    assert type(error) is UpstreamTimeout
    assert error.cause == "connect_timeout"


CERTIFICATES = [
    (trustme.CA().issue_cert("localhost"), "tls_unknown_ca"),
    (AUTHORITY.issue_cert("other.test"), "tls_host_name"),
    (AUTHORITY.issue_cert("localhost", not_before=LONG_AGO, not_after=LONG_AGO), "tls_expired"),
]


@pytest.mark.parametrize("url", UPSTREAMS)
@pytest.mark.parametrize(("certificate", "cause"), CERTIFICATES)
async def test_a_fault_of_the_proxy_s_own_tls_is_the_proxy_s(
    tmp_path: Path, url: str, certificate: trustme.LeafCert, cause: str
) -> None:
    known = write_authority(AUTHORITY, tmp_path)
    async with connect_proxy("user", PASSWORD, certificate=certificate) as proxy:
        error = await failure(url, proxy.url, authority=known)
    assert error.cause == f"proxy_{cause}"


@pytest.mark.parametrize("of_proxy", [None, LOCALHOST])
@pytest.mark.parametrize(("certificate", "cause"), CERTIFICATES)
async def test_a_fault_of_the_upstream_s_tls_is_the_upstream_s(
    tmp_path: Path,
    of_proxy: trustme.LeafCert | None,
    certificate: trustme.LeafCert,
    cause: str,
) -> None:
    known = write_authority(AUTHORITY, tmp_path)
    async with (
        secure_server(once(reply()), certificate) as server,
        connect_proxy("user", PASSWORD, certificate=of_proxy) as proxy,
    ):
        error = await failure(server.url, proxy.url, authority=known)
    assert error.cause == cause
    assert error.message.startswith("Upstream could not be reached: ")
