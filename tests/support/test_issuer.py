"""The issuer of the tests says what an issuer says, and signs what a library can check."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import KeySet, OctKey

from tests.support.issuer import (
    ALGORITHMS,
    DISCOVERY,
    Issuer,
    issuing_in_thread,
    make_key,
    user_header,
)
from tests.upstreams.raw_server import PATIENCE_S


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as reply:  # noqa: S310 - loopback
        return json.load(reply)


def claims_of(token: str, keys: Any, algorithm: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        jws.deserialize_compact(token, keys, algorithms=[algorithm]).payload or b""
    )
    return found


def test_its_configuration_leads_to_its_keys() -> None:
    with issuing_in_thread() as issuer:
        said = get(issuer.url + DISCOVERY)
        assert said["issuer"] == issuer.url
        keys = KeySet.import_key_set(get(said["jwks_uri"]))
        assert claims_of(issuer.token("ann@example.com", ["hr"]), keys, "ES256")["groups"] == ["hr"]
        assert not any(key.is_private for key in keys)
        assert issuer.asked == [DISCOVERY, "/keys"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_it_signs_with_every_algorithm(algorithm: str) -> None:
    issuer = Issuer(algorithm)
    keys: Any = issuer.jwks()
    assert claims_of(issuer.token(), KeySet.import_key_set(keys), algorithm)["aud"] == "rag-proxy"


def test_after_a_rotation_it_has_one_key_or_both() -> None:
    issuer = Issuer()
    issuer.rotate(keep=True)
    assert [each["kid"] for each in issuer.jwks()["keys"]] == ["key-1", "key-2"]
    issuer.rotate()
    assert [each["kid"] for each in issuer.jwks()["keys"]] == ["key-3"]


def test_a_claim_or_a_field_of_the_header_can_be_left_out() -> None:
    token = Issuer().token(None, header={"kid": None}, exp=None)
    header = jws.extract_compact(token.encode()).headers()
    claims = json.loads(jws.extract_compact(token.encode()).payload or b"")
    assert "kid" not in header
    assert not {"email", "exp"} & claims.keys()


def test_a_user_header_is_signed_with_the_shared_secret() -> None:
    secret = "a secret of more than thirty-two bytes"
    claims = claims_of(user_header(secret, role="admin"), OctKey.import_key(secret), "HS256")
    assert (claims["email"], claims["role"], claims["exp"] - claims["iat"]) == (
        "ann@example.com",
        "admin",
        300,
    )


def test_keys_can_have_other_fields() -> None:
    assert make_key("RS256", "k", use="enc").get("use") == "enc"
