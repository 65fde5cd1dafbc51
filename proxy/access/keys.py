"""Client keys: who may use the proxy."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final

from proxy.errors import Unauthorized

_NAME_LENGTH: Final = 12


class KeyRing:
    """The keys that clients may use. The ring holds only their hashes.

    Looking up a hash takes equally long for every wrong key, so nobody can guess one by timing.
    `secret` goes into the names, so a reader of the log cannot test guesses of a key against them.
    """

    def __init__(self, keys: Iterable[str], *, secret: bytes) -> None:
        self._names = {_hash(key): _name(key, secret) for key in keys}

    @property
    def is_open(self) -> bool:
        """Whether there are no keys, so that anybody may ask."""
        return not self._names

    def identify(self, headers: Mapping[str, str]) -> str:
        """A name for the client's key that does not reveal it; "" if there are no keys.

        Raises Unauthorized.
        """
        if self.is_open:
            return ""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Unauthorized(
                "The request has no API key. Send it in the header 'Authorization: Bearer KEY'."
            )
        name = self._names.get(_hash(key.strip()))
        if name is None:
            raise Unauthorized("The proxy does not know this API key. Ask its operator for one.")
        return name


def _name(key: str, secret: bytes) -> str:
    return hmac.digest(secret, key.encode(), "sha256").hex()[:_NAME_LENGTH]


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
