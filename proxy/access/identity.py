"""Who asks: the holder of a key, or a person behind a key or with a token of an issuer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Protocol

from proxy.access.clients import Client, Person
from proxy.access.grants import Grant
from proxy.access.keys import KeyRing
from proxy.access.user_headers import RawHeaders, UserHeaders
from proxy.errors import Unauthorized

WITH_TOKEN: Final = Client("oidc")
"""Whoever has a token of the issuer, before it is said who that is. Keys have other names."""
UNADMITTED: Final = Grant(
    workspaces=frozenset(), profiles=frozenset(), models=frozenset(), retrieval=frozenset()
)
"""What a person may use before rules have said more."""
_BEARER: Final = re.compile(r"bearer +([\w-]+\.[\w-]+\.[\w-]*) *", re.ASCII | re.IGNORECASE)


def is_read_as_token(key: str) -> bool:
    """Whether a key has the form of a token, so that beside an issuer it opens nothing."""
    return _BEARER.fullmatch(f"bearer {key}") is not None


class Admits(Protocol):
    """The rules that say what people may use."""

    def admit(self, client: Client, person: Person, /) -> Client:
        """The client as one that this person asks through. Raises NoAccess."""


class ReadsTokens(Protocol):
    """Tells whose a token is."""

    async def person(self, token: str) -> Person:
        """Raises Unauthorized and IdentityUnavailable."""


class Identities:
    """Tells who asks. The rules hold for people alone: a key that stands for none is its own."""

    def __init__(
        self,
        keys: KeyRing,
        headers: UserHeaders,
        rules: Admits,
        tokens: ReadsTokens | None = None,
    ) -> None:
        """`tokens` read the bearer where it has their form; all others are keys."""
        self._keys = keys
        self._headers = headers
        self._rules = rules
        self._tokens = tokens

    @property
    def is_open(self) -> bool:
        """Whether anybody may ask, because nothing tells people apart."""
        return self._tokens is None and self._keys.is_open

    async def holder(self, headers: Mapping[str, str]) -> Client:
        """Who has the key or the token of a request, which does not say yet that they may ask.

        Of a key that stands for people, `asking` tells for whom. ANYBODY if nothing tells people
        apart. Raises Unauthorized and IdentityUnavailable.
        """
        if self._tokens is not None:
            found = _BEARER.fullmatch(headers.get("authorization", ""))
            if found is not None:
                return _asking(WITH_TOKEN, await self._tokens.person(found[1]))
            if self._keys.is_open:
                raise Unauthorized(
                    "The request has no token. Send it in the header 'Authorization: Bearer TOKEN'."
                )
        return self._keys.identify(headers)

    def asking(self, client: Client, raw: RawHeaders) -> Client:
        """The person who asks through a key that stands for people; else the client as it is.

        Raises Unauthorized, IdentityUnavailable.
        """
        if client.people is None:
            return client
        return _asking(client, self._headers.person(client.people, raw))

    def admit(self, client: Client) -> Client:
        """The client with what rules open to the person who asks. Raises NoAccess."""
        return client if client.person is None else self._rules.admit(client, client.person)


def _asking(client: Client, person: Person) -> Client:
    """A client that a person asks through, and that opens nothing before rules do."""
    return replace(client, person=person, of_person=UNADMITTED)
