"""A user header that a front-end signs with a secret that it shares with the proxy.

Open WebUI (0.12) signs `sub`, `email`, `name`, `role`, `iss`, `iat` and `exp` with HS256, in the
header X-OpenWebUI-User-Jwt. It signs no groups: those come in a header of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from proxy.access.claims import Claims, end_of, text_at
from proxy.access.clients import Person
from proxy.access.people import person_of
from proxy.access.signatures import SHARED_SECRET, BadToken, claims_by_secret, head_of, is_token
from proxy.errors import Unauthorized


def person_in(token: str, secret: str, groups: Sequence[str], header: str, now: float) -> Person:
    """The person in the value of `header`. `now` is in seconds since 1970. Raises Unauthorized."""
    known = ""
    try:
        claims = _claims(token, secret)
        person = _person(claims, groups)
        known = person.name
        end_of(claims, now)
    except BadToken as error:
        message = f"The proxy does not accept the header {header!r}: {error}."
        raise Unauthorized(message, tried_by=known) from None
    return person


def _claims(token: str, secret: str) -> Claims:
    if not is_token(token) or head_of(token).algorithm != SHARED_SECRET:
        raise BadToken(f"it must be one token, signed with {SHARED_SECRET}")
    return claims_by_secret(token, secret)


def _person(claims: Claims, groups: Sequence[str]) -> Person:
    name = text_at(claims, "email") or text_at(claims, "sub")
    if name is None:
        raise BadToken("it names no person (claims email and sub)")
    try:
        return person_of(name, groups)
    except ValueError as error:
        raise BadToken(f"the name in it {error}") from None
