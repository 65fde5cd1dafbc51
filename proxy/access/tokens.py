"""People who come with a token of an issuer (OpenID Connect)."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from proxy.access.claims import Claims, end_of, text_at, texts_at
from proxy.access.clients import Person
from proxy.access.issuer_keys import IssuerKeys
from proxy.access.people import person_of
from proxy.access.signatures import BadToken, claims_by_issuer, head_of
from proxy.errors import Unauthorized

KEPT_S: Final = 60.0
_MOST_KEPT: Final = 1_000
_VERIFIED: Final = (True, "true")
"""As most issuers write `email_verified`, and as some do."""


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Which tokens count, and which of their claims name the person."""

    issuer: str
    audiences: frozenset[str]
    """A token for one of these is for this proxy."""
    algorithms: frozenset[str]
    user_claim: str = "email"
    groups_claim: str = "groups"


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Who a token has proved to be, until when, and by which keys."""

    person: Person
    until: float
    generation: int
    """See `IssuerKeys.generation`."""


class Tokens:
    """Tells whose a token is. It remembers what it has checked for a minute at most.

    A check of ES256 takes a fifth of the time of a short answer, and a client sends a token many
    times. What is remembered counts only while the keys are fresh, and until others are fetched. So
    it outlives no key that the proxy knows to be withdrawn.
    """

    def __init__(
        self, rules: TokenRules, keys: IssuerKeys, now: Callable[[], float] = time.time
    ) -> None:
        self._rules = rules
        self._keys = keys
        self._now = now
        self._known: OrderedDict[bytes, _Verdict] = OrderedDict()
        """By the hash of the token."""

    async def person(self, token: str) -> Person:
        """Raises Unauthorized for a wrong token, and IdentityUnavailable."""
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and self._counts(known):
            return known.person
        try:
            verdict = await self._check(token)
        except BadToken as error:
            raise Unauthorized(f"The proxy does not accept this token: {error}.") from None
        self._known[digest] = verdict
        self._known.move_to_end(digest)
        if len(self._known) > _MOST_KEPT:
            self._known.popitem(last=False)
        return verdict.person

    def _counts(self, known: _Verdict) -> bool:
        has_latest = self._keys.is_fresh and known.generation == self._keys.generation
        return has_latest and known.until > self._now()

    async def _check(self, token: str) -> _Verdict:
        claims = await self._claims(token)
        rules = self._rules
        if claims.get("iss") != rules.issuer:
            raise BadToken("it is from another issuer (iss)")
        if rules.audiences.isdisjoint(texts_at({"aud": claims.get("aud")}, "aud")):
            raise BadToken("it is for another audience (aud)")
        person = self._person(claims)
        now = self._now()
        try:
            end = end_of(claims, now)
        except BadToken as error:
            message = f"The proxy does not accept this token: {error}."
            raise Unauthorized(message, tried_by=person.name) from None
        return _Verdict(person, min(end, now + KEPT_S), self._keys.generation)

    async def _claims(self, token: str) -> Claims:
        """The claims of a token that the issuer has signed."""
        head = head_of(token)
        if head.algorithm not in self._rules.algorithms:
            raise BadToken("its algorithm is not allowed")
        reason = BadToken("the issuer has no such key")
        for key in await self._keys.find(head):
            try:
                return claims_by_issuer(token, key)
            except BadToken as error:
                reason = error
        raise reason

    def _person(self, claims: Claims) -> Person:
        rules = self._rules
        name = text_at(claims, rules.user_claim)
        if name is None:
            raise BadToken(f"it names no person (claim {rules.user_claim})")
        is_address = rules.user_claim == "email"
        if is_address and claims.get("email_verified", True) not in _VERIFIED:
            raise BadToken("its e-mail address is not verified (email_verified)")
        try:
            return person_of(name, texts_at(claims, rules.groups_claim))
        except ValueError as error:
            raise BadToken(f"its claim {rules.user_claim} {error}") from None
