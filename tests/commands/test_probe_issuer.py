"""What `check` says of the issuer of tokens."""

from __future__ import annotations

from proxy.commands.advice import Place
from proxy.commands.check import findings
from proxy.commands.probe_issuer import IssuerProbe
from proxy.commands.probing import Finding, climb
from proxy.outward import make_issuer
from proxy.settings import Settings
from proxy.upstreams.http.outbound import Outbound
from tests.support.issuer import KEYS, Issuer, issuing


def settings_for(served: Issuer, **oidc: str) -> Settings:
    return Settings(
        identity={"oidc": {"issuer": served.url, "audience": "a", **oidc}},
        lighton_base_url="http://127.0.0.1:1",
        scaleway_base_url="http://127.0.0.1:1/v1",
        lighton_api_key="k",
        scaleway_api_key="k",
    )


async def tried(served: Issuer) -> Finding:
    settings = settings_for(served)
    outbound = Outbound.of(settings, {})
    issuer = make_issuer(settings, outbound)
    assert issuer is not None
    probe = IssuerProbe(issuer, Place(served.url, "identity.oidc.issuer"))
    try:
        (finding,) = [each async for each in climb(probe.steps())]
    finally:
        await outbound.aclose()
    return finding


async def test_it_says_how_many_keys_there_are() -> None:
    async with issuing() as served:
        finding = await tried(served)
        assert str(finding) == f"ok      The issuer of tokens has keys: 1 key at {served.url}"
        served.rotate(keep=True)
        assert (await tried(served)).detail == f"2 keys at {served.url}"


async def test_it_says_what_is_wrong_and_what_to_do() -> None:
    async with issuing() as served:
        served.is_down = True
        finding = await tried(served)
        assert finding.verdict == "FAIL"
        assert finding.detail.endswith("answers with the status 503. Check identity.oidc.issuer.")
        served.is_down, served.calls_itself = False, "https://other.test"
        assert "that of another issuer" in (await tried(served)).detail
        served.calls_itself, served.body = None, b"{}"
        assert "has no list of keys" in (await tried(served)).detail
        served.body = b'{"keys": []}'
        assert "has none that can check a signature" in (await tried(served)).detail
    assert (await tried(served)).detail.startswith("Nothing listens at http://127.0.0.1:")


async def test_a_key_in_the_address_is_not_shown() -> None:
    async with issuing() as served:
        settings = settings_for(served, jwks_url=f"{served.url}{KEYS}?key=zq")
        good = [each async for each in findings(settings, {})]
    bad = [each async for each in findings(settings, {})]
    for said in (str(good), str(bad)):
        assert f"{served.url}{KEYS}?key=…" in said
        assert "zq" not in said


async def test_check_tries_the_issuer_only_where_there_is_one() -> None:
    async with issuing() as served:
        found = [each async for each in findings(settings_for(served), {})]
    (finding,) = [each for each in found if each.name == "The issuer of tokens has keys"]
    assert finding.verdict == "ok"
    without = settings_for(served).model_copy(update={"identity": None})
    found = [each async for each in findings(without, {})]
    assert not any("issuer" in each.name for each in found)
