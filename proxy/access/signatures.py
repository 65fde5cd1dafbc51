"""Signed tokens (JWS, RFC 7515): the one file that knows the library for them.

The library is in the extra `identity`. So this file is loaded where a token is expected, and a
proxy without tokens neither has nor loads it. The rules of this proxy are stricter than the
library's: the caller says which algorithm and which key it takes, and nothing in a token's header
can name another one or where to get it.
"""

from __future__ import annotations

import base64
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import JWKRegistry, Key, OctKey, RSAKey

ASYMMETRIC: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
"""The algorithms of issuers, which publish their keys. `none` and HMAC are not among them."""
SHARED_SECRET: Final = "HS256"  # noqa: S105 - the name of an algorithm
LONGEST_TOKEN: Final = 32_000
_LONGEST_HEADER: Final = 8_000
_TOKEN: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)
_CHANGES_RULES: Final = ("crit", "b64")
"""Fields of a header that change how the rest is read (RFC 7515, 4.1.11; RFC 7797)."""
_LEAST_RSA_BITS: Final = 2048
"""RFC 7518, 3.3."""
_FOR_AGREEMENT: Final = ("X25519", "X448")
"""Curves of keys that sign nothing (RFC 8037)."""
_NOT_A_TOKEN: Final = "it is no signed token (JWS)"  # noqa: S105 - a reason
_FAULTS: Final = (JoseError, ValueError, TypeError, RecursionError)


class BadToken(ValueError):
    """A token that proves nothing. The message says why, and repeats nothing of the token."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the header of a token says. Anybody may have written it."""

    algorithm: str
    kid: str | None


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key of an issuer, which checks signatures of one kind."""

    key: Key
    kid: str | None

    def fits(self, head: Head) -> bool:
        """Whether it may check a token: one without a `kid` by any key of its algorithm."""
        return head.kid in (None, self.kid) and _can_check(self.key, head.algorithm)


class _Rules(jws.JWSRegistry):
    """The library's rules, without warnings at each token and for larger headers.

    It warns that EdDSA has a newer name (RFC 9864), which issuers do not use yet.
    """

    max_header_length = _LONGEST_HEADER

    def get_alg(self, name: str) -> JWSAlgModel:
        if self.allowed is None or name not in self.allowed:
            raise BadToken("its algorithm is not allowed")
        return self.algorithms[name]


_FOR_ISSUERS: Final = _Rules(algorithms=ASYMMETRIC, strict_check_header=False)
_FOR_SECRETS: Final = _Rules(algorithms=(SHARED_SECRET,), strict_check_header=False)


def is_token(text: str) -> bool:
    """Whether a text has a token's form: three parts in base64url, of which the last may be ""."""
    return _TOKEN.fullmatch(text) is not None


def head_of(token: str) -> Head:
    """What a token's header says. Raises BadToken."""
    if len(token) > LONGEST_TOKEN:
        raise BadToken(f"it is longer than {LONGEST_TOKEN} characters")
    try:
        header = orjson.loads(_decoded(token.partition(".")[0]))
    except ValueError:
        raise BadToken(_NOT_A_TOKEN) from None
    if not is_token(token) or not isinstance(header, dict):
        raise BadToken(_NOT_A_TOKEN)
    if any(field in header for field in _CHANGES_RULES):
        raise BadToken("its header has fields that this proxy does not know")
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or not isinstance(kid, str | None):
        raise BadToken(_NOT_A_TOKEN)
    return Head(algorithm, kid)


def claims_by_issuer(token: str, key: PublicKey) -> Mapping[str, Any]:
    """The claims of a token that an issuer has signed with its private key. Raises BadToken."""
    return _claims(token, key.key, _FOR_ISSUERS)


def claims_by_secret(token: str, secret: str) -> Mapping[str, Any]:
    """The claims of a token that one has signed who knows the secret. Raises BadToken."""
    raw = secret.encode()
    return _claims(token, OctKey(raw, raw, None), _FOR_SECRETS)


def public_keys(document: object) -> Iterator[PublicKey]:
    """The keys in a JWK set (RFC 7517) that can check a token. It passes over all others.

    Raises ValueError if it is no such set.
    """
    items = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(items, list):
        raise ValueError("has no list of keys")  # noqa: TRY004 - one kind of fault for the caller
    for item in items:
        if isinstance(item, dict) and (key := _public_key(item)) is not None:
            yield key


def _public_key(item: dict[str, Any]) -> PublicKey | None:
    kid = item.get("kid")
    if item.get("crv") in _FOR_AGREEMENT or not isinstance(kid, str | None):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)
            key = JWKRegistry.import_key(item)
            key.check_key_op("verify")
    except (*_FAULTS, AttributeError, KeyError):  # a field of another type, or an unknown curve
        return None
    is_weak = isinstance(key, RSAKey) and key.public_key.key_size < _LEAST_RSA_BITS
    checks_some = any(_can_check(key, each) for each in ASYMMETRIC)
    return PublicKey(key, kid) if checks_some and not is_weak else None


def _can_check(key: Key, algorithm: str) -> bool:
    """Whether a key has the kind, curve, use and, if it names one, the algorithm that it takes."""
    if algorithm not in ASYMMETRIC:
        return False
    try:
        _Rules.algorithms[algorithm].check_key(key)
    except JoseError:
        return False
    return True


def _claims(token: str, key: Key, rules: _Rules) -> Mapping[str, Any]:
    try:
        signed = jws.deserialize_compact(token.encode(), key, registry=rules)
        claims = orjson.loads(signed.payload or b"")
    except BadToken:
        raise
    except _FAULTS:
        raise BadToken("its signature is not right") from None
    if not isinstance(claims, dict):
        raise BadToken(_NOT_A_TOKEN)
    return claims


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
