"""Client keys: who may use the proxy."""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from proxy.access.clients import ANYBODY, Client
from proxy.access.key_file import HeldKey, KeyFile
from proxy.errors import Unauthorized

_NAME_LENGTH: Final = 12


class KeyRing:
    """The keys that clients may use: those of the settings, and those of a key file.

    The ring holds only their hashes. Looking up a hash takes equally long for every wrong key, so
    nobody can guess one by timing. `secret` goes into the names of the settings' keys, so a reader
    of the log cannot test guesses of a key against them.
    """

    def __init__(
        self,
        keys: Iterable[str],
        *,
        secret: bytes,
        file: KeyFile | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`keys` open everything that the settings allow."""
        self._clients = {_hash(key): HeldKey(Client(_name(key, secret))) for key in keys}
        self._file = file
        self._now = now

    @property
    def is_open(self) -> bool:
        """Whether there are no keys, so that anybody may ask.

        Never so where there is a key file, whatever it holds.
        """
        return not self._clients and self._file is None

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
        held = self._find(_hash(key.strip()))
        if held is None:
            raise Unauthorized("The proxy does not know this API key. Ask its operator for one.")
        if held.until < math.inf and held.until <= self._now():
            raise Unauthorized("This API key has expired. Ask the proxy's operator for a new one.")
        return held.client

    def _find(self, digest: bytes) -> HeldKey | None:
        """The key with this hash. One that also stands in the settings opens what its record says.

        Both places are looked into for every key, so that none takes longer than another.
        """
        in_file = _NONE if self._file is None else self._file.held
        return in_file.get(digest, self._clients.get(digest))


_NONE: Final[Mapping[bytes, HeldKey]] = MappingProxyType({})


def _name(key: str, secret: bytes) -> str:
    return hmac.digest(secret, key.encode(), "sha256").hex()[:_NAME_LENGTH]


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
