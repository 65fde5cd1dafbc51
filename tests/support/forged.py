"""Tokens and signed headers that prove nothing, and some that do.

Each maker of a token takes the world whose issuer may sign it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, Final

from joserfc import jwe
from joserfc.jwk import ECKey, Key, OctKey

from tests.support.issuer import make_key, sign, user_header
from tests.support.persons import ANN, BOB, World

OWN: Final = make_key("ES256", "key-1")
"""A key that somebody has made, under the name of the issuer's."""
OWN_RSA: Final = make_key("RS256", "key-1")

Make = Callable[[World], str]


def part(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def token(user: str | None, *groups: Any, **more: Any) -> Make:
    """A token of the issuer; a claim that is None is left out."""
    return lambda world: world.issuer.token(user, groups, **more)


def unsigned(name: str) -> Make:
    return lambda world: f"{part({'alg': name, 'kid': 'key-1'})}.{part(world.issuer.claims(ANN))}."


def ec_key(key: Key) -> ECKey:
    assert isinstance(key, ECKey)
    return key


def confused(secret_of: Callable[[Key], bytes]) -> Make:
    """Signed by HMAC, with the issuer's public key as the secret."""

    def make(world: World) -> str:
        secret = secret_of(world.issuer.key)
        header = {"alg": "HS256", "kid": "key-1"}
        return sign(world.issuer.claims(ANN), OctKey(secret, secret, None), header)

    return make


def injected(**header: Any) -> Make:
    """Signed by a key of one's own, which the header brings along or leads to."""

    def make(world: World) -> str:
        filled = {
            name: f"{world.issuer.url}/evil" if value is True else value
            for name, value in header.items()
        }
        return world.issuer.token(ANN, key=OWN, header=filled)

    return make


def edited(world: World) -> str:
    head, _, signature = world.issuer.token(BOB).split(".")
    return f"{head}.{part(world.issuer.claims(ANN))}.{signature}"


def stripped(world: World) -> str:
    return world.issuer.token(ANN).rpartition(".")[0] + "."


def bare(world: World) -> str:
    return world.issuer.token(ANN).rpartition(".")[0]


def encrypted(world: World) -> str:
    claims = json.dumps(world.issuer.claims(ANN))
    header = {"alg": "dir", "enc": "A128GCM", "kid": "key-1"}
    return jwe.encrypt_compact(header, claims, OctKey.generate_key(128))


def withdrawn(world: World) -> str:
    old = world.issuer.token(ANN)
    world.issuer.rotate()
    return old


def while_down(world: World) -> str:
    world.issuer.is_down = True
    return world.issuer.token(ANN)


def edited_header(secret: str) -> str:
    """Bob's signed header with Ann in it."""
    head, claims, signature = user_header(secret, BOB, lasts_s=36_000).split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))
    return f"{head}.{part({**said, 'email': ANN})}.{signature}"
