"""All that is measured, and how the proxy is started. Nothing is started here."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.gateways import LOOP, ONE_HOP, PROXY, gateways, proxy, subjects
from bench.site import Gateway, Site

MODELS = ("bench-8x0ms", "bench-103x5ms")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, 4711, MODELS)


@pytest.fixture
def secure_site(tmp_path: Path) -> Site:
    return Site(tmp_path, 4711, MODELS, "/authority.pem")


def gateway(name: str) -> Gateway:
    return gateways()[name]


def test_every_subject_has_its_gateway_and_a_name_of_its_own() -> None:
    known = gateways()
    assert {subject.gateway for subject in subjects()} == {"", *known}
    assert len({subject.name for subject in subjects()}) == len(subjects())


def test_every_column_but_direct_is_there_with_both_kinds_of_upstreams() -> None:
    known = gateways()
    _, *asked = subjects()
    plain = [each for each in asked if not known[each.gateway].is_secure]
    assert [each for each in asked if known[each.gateway].is_secure] == [
        replace(each, name=f"{each.name}-https", gateway=f"{each.gateway}-https") for each in plain
    ]
    assert plain


def test_the_proxy_runs_as_a_user_runs_it(site: Site) -> None:
    launch = proxy(Path("/tree"), workers=2).launch(site)
    assert list(launch.argv[1:4]) == ["-m", "proxy", "serve"]
    assert "--workers 2" in " ".join(launch.argv)
    assert launch.env["SCALEWAY_BASE_URL"] == "http://127.0.0.1:4711/v1"
    assert launch.env["RAG_PROXY_MAX_CONCURRENT_MODEL_REQUESTS"] == "0"  # 1,000 streams at once
    assert launch.env["LIGHTON_BASE_URL"] == "http://127.0.0.1:4711"
    assert launch.env["PYTHONPATH"] == "/tree"
    assert LOOP.headers["authorization"] == f"Bearer {launch.env['RAG_PROXY_API_KEYS']}"
    assert {name for name in launch.env if name.startswith("RAG_PROXY_")} == {
        "RAG_PROXY_API_KEYS",
        "RAG_PROXY_MAX_CONCURRENT_MODEL_REQUESTS",
    }


def test_over_https_the_proxy_trusts_the_authority_beside_the_systems(secure_site: Site) -> None:
    env = proxy(Path("/tree")).launch(secure_site).env
    assert env["RAG_PROXY_CA_FILE"] == secure_site.authority
    assert env["SCALEWAY_BASE_URL"] == "https://127.0.0.1:4711/v1"
    assert env["LIGHTON_BASE_URL"] == "https://127.0.0.1:4711"
    assert "SSL_CERT_FILE" not in env


def test_the_proxy_is_always_there() -> None:
    assert gateway(PROXY).missing() == ""
    assert gateway(PROXY).version()
    assert (LOOP.searches, ONE_HOP.searches) == (True, False)


def test_portkey_is_told_with_each_request(site: Site) -> None:
    subject = next(each for each in subjects() if each.gateway == "Portkey")
    headers = subject.beside(site.upstream).headers
    assert headers["x-portkey-custom-host"] == "http://127.0.0.1:4711/v1"
    assert gateway("Portkey").launch(site).port
