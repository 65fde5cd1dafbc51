"""A store over one that others can write to: it ignores every value that they forge."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Sequence
from typing import Final

from proxy.state.store import Settle, Store

_SEAL_BYTES: Final = 32
SHOWN: Final = 24
"""How many characters of a name the log shows: enough to find it, too few to read it."""

_log = logging.getLogger(__name__)


class Sealed:
    """A store over `home` in which a value counts only under the name it was written for.

    An HMAC (RFC 2104, SHA-256) of name and value under `key` precedes each value. Only proxies
    with the same LightOn key have `key`. A damaged, moved or foreign value counts as missing, and
    the log says so. Values are not encrypted, and anyone who can write to `home` can delete a value
    or restore an older one of the same name. Counts are not sealed: the home adds them up, and
    anyone who can write to it can set them to any number.
    """

    def __init__(self, home: Store, key: bytes) -> None:
        self.home = home
        self._key = key

    async def read(self, names: Sequence[str], *, renew_s: float | None = None) -> dict[str, bytes]:
        return await self.find(names, renew_s=renew_s) or {}

    async def find(
        self, names: Sequence[str], *, renew_s: float | None = None
    ) -> dict[str, bytes] | None:
        sealed = await self.home.find(names, renew_s=renew_s)
        if sealed is None:
            return None
        opened = {name: self._open(name, value) for name, value in sealed.items()}
        return {name: value for name, value in opened.items() if value is not None}

    async def write(self, name: str, value: bytes, ttl_s: float) -> None:
        await self.home.write(name, self._seal(name, value), ttl_s)

    async def write_once(self, name: str, value: bytes, ttl_s: float, settle: Settle) -> None:
        def settle_sealed(sealed: bytes) -> bytes:
            there = self._open(name, sealed)
            return self._seal(name, value if there is None else settle(there))

        await self.home.write_once(name, self._seal(name, value), ttl_s, settle_sealed)

    async def count(self, name: str, by: int, ttl_s: float) -> int:
        """The home's count, unsealed. It may bound what clients do, but it proves nothing.

        Anyone who can read `home` sees the number, so its name must not say whose it is.
        """
        return await self.home.count(name, by, ttl_s)

    async def aclose(self) -> None:
        await self.home.aclose()

    def _seal(self, name: str, value: bytes) -> bytes:
        return self._code(name, value) + value

    def _open(self, name: str, sealed: bytes) -> bytes | None:
        code, value = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
        if hmac.compare_digest(code, self._code(name, value)):
            return value
        _log.warning("A kept value has no valid seal and counts as missing: %s…", name[:SHOWN])
        return None

    def _code(self, name: str, value: bytes) -> bytes:
        """The HMAC. The name's length precedes it, so no part of a value passes for one."""
        written = name.encode()
        return hmac.digest(self._key, b"%d:%b%b" % (len(written), written, value), "sha256")
