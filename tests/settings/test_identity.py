from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.settings import Settings, load_settings
from proxy.settings.identity import ALGORITHMS, OIDCSettings
from tests.settings.given import problems, set_variables, toml

ISSUER = "https://login.example.com/realms/x/"


def oidc(**more: Any) -> OIDCSettings:
    settings = Settings(identity={"oidc": {"issuer": ISSUER, "audience": "a", **more}})
    assert settings.identity is not None
    assert settings.identity.oidc is not None
    return settings.identity.oidc


def test_an_issuer_keeps_its_name_exactly() -> None:
    found = oidc()
    assert (found.issuer, found.audience, found.jwks_url) == (ISSUER, ("a",), None)
    assert (found.user_claim, found.groups_claim, found.algorithms) == (
        "email",
        "groups",
        ALGORITHMS,
    )
    assert oidc(audience=["a", "b"]).audience == ("a", "b")


def test_the_address_to_ask_is_that_of_the_keys_or_else_the_issuers() -> None:
    given = {"issuer": ISSUER, "audience": "a"}
    assert Settings().issuer_url is None
    assert Settings(identity={}).issuer_url is None
    assert Settings(identity={"oidc": given}).issuer_url == ISSUER
    keys = "https://keys.example.com/?p=1"
    assert Settings(identity={"oidc": {**given, "jwks_url": keys}}).issuer_url == keys


def test_it_can_be_a_json_object_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"oidc": {"issuer": ISSUER, "audience": ["a", "b"], "algorithms": ["ES256"]}}
    set_variables(monkeypatch, RAG_PROXY_IDENTITY=json.dumps(given))
    found = load_settings().identity
    assert found is not None
    assert found.oidc is not None
    assert (found.oidc.audience, found.oidc.algorithms) == (("a", "b"), ("ES256",))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("issuer = 'x'", "identity.oidc.issuer in rag-proxy.toml: must be an http:// or https://"),
        ("issuer = 'ftp://x'", "identity.oidc.issuer in rag-proxy.toml: must be an http:// or"),
        ("issuer = 'https://['", "identity.oidc.issuer in rag-proxy.toml: must be an http:// or"),
        ("issuer = 'https://u:p@x'", "identity.oidc.issuer in rag-proxy.toml: must be a plain"),
        ("issuer = 'https://x?y'", "identity.oidc.issuer in rag-proxy.toml: must be the issuer's"),
        ("audience = ''", "identity.oidc.audience in rag-proxy.toml: item 1 must not be empty"),
        ("audience = []", "identity.oidc.audience in rag-proxy.toml: must not be empty"),
        ("jwks_url = '/keys'", "identity.oidc.jwks_url in rag-proxy.toml: must be an http:// or"),
        ("algorithms = ['none']", "identity.oidc.algorithms in rag-proxy.toml: item 1 must be one"),
        ("algorithms = ['HS256']", "identity.oidc.algorithms in rag-proxy.toml: item 1 must be"),
        ("algorithms = []", "identity.oidc.algorithms in rag-proxy.toml: must not be empty"),
        ("user = 'email'", "identity.oidc.user in rag-proxy.toml: no such setting"),
    ],
)
def test_a_slip_is_named(line: str, fault: str) -> None:
    given = {"issuer": f"issuer = '{ISSUER}'", "audience": "audience = 'a'"}
    given[line.split(" ", maxsplit=1)[0]] = line
    text = "\n".join(("[identity.oidc]", *given.values()))
    (found,) = problems(toml(text))
    assert found.startswith(fault), found


def test_an_issuer_and_an_audience_are_needed() -> None:
    assert len(problems(toml("[identity.oidc]"))) == 2
