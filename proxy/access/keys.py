"""Client keys: who may use the proxy."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final

from proxy.access.clients import ANYBODY, Client
from proxy.errors import Unauthorized

_NAME_LENGTH: Final = 12


class KeyRing:
    """The keys that clients may use. The ring holds only their hashes.

    Looking up a hash takes equally long for every wrong key, so nobody can guess one by timing.
    `secret` goes into the names, so a reader of the log cannot test guesses of a key against them.
    """

    def __init__(self, keys: Iterable[str], *, secret: bytes) -> None:
        self._clients = {_hash(key): Client(_name(key, secret)) for key in keys}

    @property
    def is_open(self) -> bool:
        """Whether there are no keys, so that anybody may ask."""
        return not self._clients

    def identify(self, headers: Mapping[str, str]) -> Client:
        """The client that holds the key in the headers. Raises Unauthorized.

        ANYBODY if there are no keys.
        """
        if self.is_open:
            return ANYBODY
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Unauthorized(
                "The request has no API key. Send it in the header 'Authorization: Bearer KEY'."
            )
        client = self._clients.get(_hash(key.strip()))
        if client is None:
            raise Unauthorized("The proxy does not know this API key. Ask its operator for one.")
        return client


def _name(key: str, secret: bytes) -> str:
    return hmac.digest(secret, key.encode(), "sha256").hex()[:_NAME_LENGTH]


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
