"""What signed tokens prove, and what they do not."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from proxy.access.signatures import (
    ASYMMETRIC,
    LONGEST_TOKEN,
    BadToken,
    Head,
    PublicKey,
    claims_by_issuer,
    claims_by_secret,
    head_of,
    is_token,
    public_keys,
)
from proxy.settings.identity import ALGORITHMS
from tests.support.issuer import Issuer, make_key, sign

SECRET = "a secret of more than thirty-two bytes"
WEAK = RSAKey(rsa.generate_private_key(65537, 1024).public_key(), b"")  # noqa: S505 - it is the weak one
KEYS = {algorithm: make_key(algorithm, algorithm) for algorithm in ("RS256", "ES256", "EdDSA")}


def only_key(*jwks: Any) -> PublicKey:
    (key,) = public_keys({"keys": list(jwks)})
    return key


def public(algorithm: str) -> PublicKey:
    return only_key(KEYS[algorithm].as_dict(private=False))


def part(document: object) -> str:
    text = json.dumps(document).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def test_the_settings_name_the_same_algorithms() -> None:
    assert ALGORITHMS == ASYMMETRIC


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_a_token_of_every_algorithm_is_proved_by_the_issuers_key(algorithm: str) -> None:
    issuer = Issuer(algorithm)
    token = issuer.token("ann@example.com")
    key = only_key(*issuer.jwks()["keys"])
    assert key.fits(head_of(token))
    assert claims_by_issuer(token, key)["email"] == "ann@example.com"


def test_a_key_of_another_issuer_proves_nothing() -> None:
    token = Issuer("ES256").token()
    with pytest.raises(BadToken, match="its signature is not right"):
        claims_by_issuer(token, public("ES256"))


def test_a_shared_secret_proves_what_was_signed_with_it() -> None:
    key = OctKey.import_key(SECRET)
    assert claims_by_secret(sign({"sub": "a"}, key, {"alg": "HS256"}), SECRET) == {"sub": "a"}
    with pytest.raises(BadToken):
        claims_by_secret(sign({"sub": "a"}, key, {"alg": "HS256"}), f"{SECRET}x")
    for other in ("HS384", "HS512"):
        with pytest.raises(BadToken, match="its algorithm is not allowed"):
            claims_by_secret(sign({"sub": "a"}, key, {"alg": other}), SECRET)


def test_a_short_secret_works_without_a_warning() -> None:
    key = OctKey(b"short", b"short", None)
    assert claims_by_secret(sign({"sub": "a"}, key, {"alg": "HS256"}), "short") == {"sub": "a"}


@pytest.mark.parametrize("name", ["none", "HS256", "RS256", "ES256K", "dir", ""])
def test_no_algorithm_of_a_header_gets_past_the_kind_of_the_key(name: str) -> None:
    head, _, rest = Issuer("ES256").token(key=KEYS["ES256"]).partition(".")
    assert head
    forged = f"{part({'alg': name})}.{rest}"
    assert not public("ES256").fits(Head(name, None))
    with pytest.raises(BadToken):
        claims_by_issuer(forged, public("ES256"))


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"alg": "ES256", "crit": ["exp"], "exp": 1}, "fields that this proxy does not know"),
        ({"alg": "ES256", "crit": []}, "fields that this proxy does not know"),
        ({"alg": "ES256", "b64": False}, "fields that this proxy does not know"),
        ({"alg": ["ES256"]}, "no signed token"),
        ({"alg": "ES256", "kid": 1}, "no signed token"),
        ({"kid": "k"}, "no signed token"),
        ([], "no signed token"),
        ("alg", "no signed token"),
        (5, "no signed token"),
        (None, "no signed token"),
    ],
)
def test_a_header_that_is_not_as_it_should_be_is_refused(header: object, reason: str) -> None:
    with pytest.raises(BadToken, match=reason):
        head_of(f"{part(header)}.e30.x")


@pytest.mark.parametrize(
    "token",
    [
        *("", ".", "..", "a.b", "a.b.c.d", "a.b.c.d.e", "e30", "e30.e30", "e30.e30.é", "e30..x"),
        *("e 30.e30.x", "e30.e30.x\n", "e30=.e30.x", f"{part({'alg': 'ES256'})}.e3 0.x"),
        f"{'[' * 3000}.e30.x",
        f"{base64.urlsafe_b64encode(b'[' * 6000).decode()}.e30.x",
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(BadToken):
        head_of(token)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("a.b.c", True), ("a-_.b.", True), ("a.b", False), ("rp-key", False), ("a.b.c.d.e", False)],
)
def test_a_token_is_told_from_a_key_by_its_form(text: str, is_one: bool) -> None:  # noqa: FBT001
    assert is_token(text) is is_one


def test_a_token_that_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(BadToken, match="longer than 32000 characters"):
        head_of(f"{'x' * LONGEST_TOKEN}.e30.x")


@given(st.text(alphabet='abcXYZ019-_.= []{}"é', max_size=60) | st.text(max_size=30))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    for read in (head_of, lambda each: claims_by_issuer(each, public("ES256"))):
        with suppress(BadToken):
            read(text)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=8))
def test_no_header_does_more_than_be_refused(value: object) -> None:
    for field in ("kid", "typ", "cty", "jku", "jwk", "x5u", "x5c", "x5t", "alg"):
        token = f"{part({'alg': 'ES256', field: value})}.e30.AAAA"
        with pytest.raises(BadToken):
            claims_by_issuer(token, public("ES256"))


@pytest.mark.parametrize("payload", [b"[]", b"5", b"null", b"", b"{", b"\xff", b'{"exp":NaN}'])
def test_a_payload_that_is_no_object_is_refused(payload: bytes) -> None:
    from joserfc import jws  # noqa: PLC0415

    token = jws.serialize_compact({"alg": "ES256"}, payload, KEYS["ES256"])
    with pytest.raises(BadToken):
        claims_by_issuer(token, public("ES256"))


# Sets of keys


UNFIT: tuple[Any, ...] = (
    {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0"},
    {**KEYS["ES256"].as_dict(private=False), "use": "enc"},
    {**KEYS["ES256"].as_dict(private=False), "alg": "HS256"},
    {**KEYS["ES256"].as_dict(private=False), "alg": "ECDH-ES"},
    {**KEYS["ES256"].as_dict(private=False), "kid": 5},
    {**KEYS["ES256"].as_dict(private=False), "x": "AAAA"},
    {**KEYS["ES256"].as_dict(private=False), "x": 5},
    {**KEYS["ES256"].as_dict(private=False), "key_ops": ["sign"]},
    {**KEYS["ES256"].as_dict(private=False), "crv": "BP-256"},
    {**KEYS["EdDSA"].as_dict(private=False), "crv": "Ed25519ph"},
    WEAK.as_dict(private=False),
    ECKey.generate_key("secp256k1").as_dict(private=False),
    OKPKey.generate_key("X25519").as_dict(private=False),
    {"kty": "RSA"},
    {"kty": "AKP", "pub": "x"},
    {"kty": 5},
    {},
    "key",
    None,
)


@pytest.mark.parametrize("jwk", UNFIT, ids=range(len(UNFIT)))
def test_a_key_that_cannot_check_a_token_is_passed_over(jwk: object) -> None:
    good = KEYS["EdDSA"].as_dict(private=False)
    assert [each.kid for each in public_keys({"keys": [jwk, good]})] == ["EdDSA"]


@pytest.mark.parametrize("document", [None, [], {}, {"keys": None}, {"keys": {}}, "x", 5])
def test_what_is_no_set_of_keys_is_a_fault(document: object) -> None:
    with pytest.raises(ValueError, match="has no list of keys"):
        list(public_keys(document))


@pytest.mark.parametrize(
    ("more", "head", "fits"),
    [
        ({}, Head("ES256", "ES256"), True),
        ({}, Head("ES256", None), True),
        ({}, Head("ES256", "other"), False),
        ({}, Head("ES384", "ES256"), False),
        ({}, Head("RS256", "ES256"), False),
        ({}, Head("HS256", "ES256"), False),
        ({"alg": "ES256"}, Head("ES256", "ES256"), True),
    ],
)
def test_a_key_fits_the_tokens_of_its_name_kind_and_algorithm(
    more: dict[str, str],
    head: Head,
    fits: bool,  # noqa: FBT001
) -> None:
    assert only_key({**KEYS["ES256"].as_dict(private=False), **more}).fits(head) is fits


def test_a_key_that_names_its_algorithm_checks_no_other() -> None:
    key = only_key({**KEYS["RS256"].as_dict(private=False), "alg": "PS256"})
    assert key.fits(Head("PS256", "RS256"))
    assert not key.fits(Head("RS256", "RS256"))
    with pytest.raises(BadToken):
        claims_by_issuer(sign({}, KEYS["RS256"], {"alg": "RS256"}), key)
