"""Client keys: who may use the proxy."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final

from proxy.errors import Unauthorized

_NAME_LENGTH: Final = 12


class KeyRing:
    """The keys that clients may use. Only their hashes are kept.

    Looking up a hash takes as long for every wrong key: none can be guessed by timing. Names are
    made with `secret`, so that whoever reads one in a log cannot try keys against it.
    """

    def __init__(self, keys: Iterable[str], *, secret: bytes) -> None:
        self._names = {_hash(key): _name(key, secret) for key in keys}

    @property
    def is_open(self) -> bool:
        """Whether no keys are in use: anybody may ask."""
        return not self._names

    def identify(self, headers: Mapping[str, str]) -> str:
        """A name for the client's key that is not the key; "" if no keys are in use.

        Raises Unauthorized.
        """
        if self.is_open:
            return ""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Unauthorized(
                "No API key was sent. Send it in the header 'Authorization: Bearer KEY'."
            )
        name = self._names.get(_hash(key.strip()))
        if name is None:
            raise Unauthorized("The API key is not known here. Ask the proxy's operator for one.")
        return name


def _name(key: str, secret: bytes) -> str:
    return hmac.digest(secret, key.encode(), "sha256").hex()[:_NAME_LENGTH]


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
