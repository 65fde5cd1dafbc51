"""Where the keys of an issuer are found, and what else there may be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest

from proxy.errors import BadReply, Unreachable, UpstreamError, UpstreamTimeout
from proxy.settings import Settings
from proxy.upstreams.http.endpoint import pooled_transport
from proxy.upstreams.http.outbound import Outbound
from proxy.upstreams.http.over_httpx import OverHttpx
from proxy.upstreams.oidc import issuer as module
from proxy.upstreams.oidc.issuer import Issuer
from tests.support.connect_proxy import connect_proxy
from tests.support.issuer import DISCOVERY, KEYS, issuing
from tests.support.issuer import Issuer as ServedIssuer
from tests.upstreams.raw_server import PATIENCE_S


@asynccontextmanager
async def asking(served: ServedIssuer, **more: Any) -> AsyncIterator[Issuer]:
    transport = pooled_transport()
    try:
        yield Issuer(
            **{"issuer": served.url, "jwks_url": None, **more},
            transport=transport,
            connect_timeout_s=PATIENCE_S,
        )
    finally:
        await transport.aclose()


async def refused(issuer: Issuer) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await issuer.keys()
    return caught.value


def saying(documents: dict[str, Any], name: str = "https://issuer.test") -> Issuer:
    """An issuer that answers with these documents, by address."""

    def answer(request: httpx.Request) -> httpx.Response:
        said = documents.get(str(request.url))
        assert "authorization" not in request.headers
        if isinstance(said, httpx.Response):
            return said
        return httpx.Response(404) if said is None else httpx.Response(200, content=said)

    return Issuer(name, None, OverHttpx(httpx.MockTransport(answer)), 5)


async def test_the_configuration_leads_to_the_keys() -> None:
    async with issuing() as served, asking(served) as issuer:
        assert await issuer.keys() == served.jwks()
        assert served.asked == [DISCOVERY, KEYS]


async def test_an_address_of_keys_needs_no_configuration() -> None:
    async with issuing() as served, asking(served, jwks_url=served.url + KEYS) as issuer:
        assert await issuer.keys() == served.jwks()
        assert served.asked == [KEYS]


@pytest.mark.parametrize("name", ["https://issuer.test/", "https://issuer.test/realms/x"])
async def test_the_configuration_is_below_the_name_with_or_without_a_slash(name: str) -> None:
    found = {"issuer": name, "jwks_uri": "https://keys.test/jwks?policy=a"}
    documents = {
        name.rstrip("/") + DISCOVERY: orjson.dumps(found),
        "https://keys.test/jwks?policy=a": b'{"keys": []}',
    }
    assert await saying(documents, name).keys() == {"keys": []}


@pytest.mark.parametrize(
    "said",
    [
        *("https://other.test", "https://issuer.test/", "HTTPS://issuer.test", None, 5),
        "https://issuer.test/realm",
    ],
)
async def test_the_configuration_of_another_issuer_is_refused(said: object) -> None:
    found = {"issuer": said, "jwks_uri": "https://issuer.test/keys"}
    issuer = saying({f"https://issuer.test{DISCOVERY}": orjson.dumps(found)})
    error = await refused(issuer)
    assert (type(error), error.cause) == (BadReply, "other_issuer")


@pytest.mark.parametrize(
    "url",
    [
        *(
            None,
            5,
            "",
            "/keys",
            "issuer.test/keys",
            "file:///etc/passwd",
            "http://issuer.test/keys",
        ),
        *("https://", "https://[", "https://x:0/", "https://bücher.test/"),
    ],
)
async def test_an_unsafe_address_of_keys_is_refused(url: object) -> None:
    found = {"issuer": "https://issuer.test", "jwks_uri": url}
    issuer = saying({f"https://issuer.test{DISCOVERY}": orjson.dumps(found)})
    assert "names no address of keys, or an unsafe one" in (await refused(issuer)).message


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (httpx.Response(302, headers={"location": "https://other.test/"}), "the status 302"),
        (httpx.Response(500), "the status 500"),
        (httpx.Response(204), "the status 204"),
        (b"<html>", "answers without JSON"),
        (b"", "answers without JSON"),
        (b'{"keys": [' + b" " * 1_000_000 + b"]}", "too long"),
    ],
)
async def test_a_reply_that_is_none_is_a_fault_and_no_redirect_is_followed(
    reply: object, said: str
) -> None:
    issuer = replace(
        saying({"https://issuer.test/keys?key=zq": reply}),
        jwks_url="https://issuer.test/keys?key=zq",
    )
    message = (await refused(issuer)).message
    assert said in message
    assert "zq" not in message


async def test_an_issuer_that_does_not_listen_is_unreachable() -> None:
    async with issuing() as served:
        pass
    async with asking(served) as issuer:
        assert isinstance(await refused(issuer), Unreachable)


async def test_a_slow_issuer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST_S", 0.05)
    async with issuing() as served, asking(served) as issuer:
        served.is_open.clear()
        error = await refused(issuer)
        served.is_open.set()
    assert (type(error), error.cause) == (UpstreamTimeout, "read_timeout")
    assert error.message == f"{issuer.name} took more than 0.05 seconds to send its keys."


async def test_the_way_to_the_issuer_leads_through_the_outbound_proxy() -> None:
    async with issuing() as served, connect_proxy() as proxy:
        oidc = {"issuer": served.url, "audience": "a"}
        settings = Settings(
            identity={"oidc": oidc},
            lighton_base_url="http://lighton.test",
            scaleway_base_url="http://scaleway.test/v1",
        )
        outbound = Outbound.of(settings, {"HTTP_PROXY": proxy.url})
        try:
            issuer = Issuer(served.url, None, outbound.issuer, 5)
            assert await issuer.keys() == served.jwks()
        finally:
            await outbound.aclose()
        assert [line.split(" ")[1] for line in proxy.asked] == [
            served.url + DISCOVERY,
            served.url + KEYS,
        ]
        assert outbound.issuer_proxy is not None
