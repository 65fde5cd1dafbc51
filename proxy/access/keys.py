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
    """The keys that clients may use. Only their hashes are kept.

    Looking up a hash takes as long for every wrong key: none can be guessed by timing. Names are
    made with `secret`, so that whoever reads one in a log cannot try keys against it.
    """

    def __init__(self, keys: Iterable[str], *, secret: bytes) -> None:
        self._clients = {_hash(key): Client(_name(key, secret)) for key in keys}

    @property
    def is_open(self) -> bool:
        """Whether no keys are in use: anybody may ask."""
        return not self._clients

    def identify(self, headers: Mapping[str, str]) -> Client:
        """The client whose key was sent; ANYBODY if no keys are in use. Raises Unauthorized."""
        if self.is_open:
            return ANYBODY
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Unauthorized(
                "No API key was sent. Send it in the header 'Authorization: Bearer KEY'."
            )
        client = self._clients.get(_hash(key.strip()))
        if client is None:
            raise Unauthorized("The API key is not known here. Ask the proxy's operator for one.")
        return client


def _name(key: str, secret: bytes) -> str:
    return hmac.digest(secret, key.encode(), "sha256").hex()[:_NAME_LENGTH]


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
