"""The keys of an issuer of tokens: kept for a while, and asked for when needed.

Theory of operation:

- Keys are fresh for ten minutes. The first token after that has them fetched again, so a key that
  the issuer has withdrawn ends then.
- A token may name a key that is not among them, because the issuer has a new one. They are fetched
  for such a token at most once a minute: anybody can make up names.
- While the issuer cannot be asked, the keys go on to serve for a day, and it is asked again after
  a pause. A token of a key that is not among them is then neither right nor wrong.
- Requests that need the keys at the same time wait for one fetch. If the fetch before it failed,
  only the request that began it waits: an issuer that hangs must not hold up everybody each minute.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from typing import Final

from proxy.access.signatures import Head, PublicKey, public_keys
from proxy.errors import IdentityUnavailable, UpstreamError

FRESH_S: Final = 600.0
USABLE_S: Final = 86_400.0
UNKNOWN_EVERY_S: Final = 60.0
"""How often a name of a key that is not there may lead to a fetch."""
RETRY_S: Final = 10.0
"""How long nobody asks an issuer again that has failed, while there are no keys that serve."""
RETRY_WITH_KEYS_S: Final = 60.0

Fetch = Callable[[], Awaitable[object]]
"""Gets the issuer's set of keys (JWKS), decoded. Raises UpstreamError."""

_log = logging.getLogger("proxy.access")


class IssuerKeys:
    """The keys of one issuer, as the last fetch that worked found them."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._fetch = fetch
        self._clock = clock
        self._keys: tuple[PublicKey, ...] = ()
        self._fetched_at = -math.inf
        self._failed_at = -math.inf
        self._is_down = False
        """Whether the last fetch failed."""
        self._unknown_at = -math.inf
        self._complaint = ""
        self._fetching = asyncio.Lock()
        self._fetches = 0
        self.generation = 0
        """How many fetches have brought keys. What an earlier one brought may be withdrawn."""

    @property
    def is_fresh(self) -> bool:
        return self._clock() - self._fetched_at < FRESH_S

    async def find(self, head: Head) -> tuple[PublicKey, ...]:
        """The keys that may check a token with this header; none if the issuer has no such key.

        Raises IdentityUnavailable if nobody can tell.
        """
        was_fresh = self.is_fresh
        if not was_fresh:
            await self._refresh()
        found = self._fitting(head)
        if not found and was_fresh and self._may_ask_for_unknown():
            await self._refresh(even_fresh=True)
            found = self._fitting(head)
        if not found and (self._is_down or not self._are_usable):
            raise IdentityUnavailable(
                "The issuer of tokens cannot be asked for its keys now, so the proxy cannot tell "
                "whether this token is right. Try again.",
                retry_after_s=max(1.0, self._pause_left_s()),
            )
        return found

    def _may_ask_for_unknown(self) -> bool:
        """Whether a name of a key that is not there is worth a fetch, or one is under way."""
        if self._fetching.locked():
            return True
        now = self._clock()
        is_due = now - self._unknown_at >= UNKNOWN_EVERY_S
        if is_due:
            self._unknown_at = now
        return is_due

    @property
    def _are_usable(self) -> bool:
        return self._clock() - self._fetched_at < USABLE_S

    def _fitting(self, head: Head) -> tuple[PublicKey, ...]:
        return tuple(each for each in self._keys if each.fits(head)) if self._are_usable else ()

    def _pause_left_s(self) -> float:
        pause = RETRY_WITH_KEYS_S if self._are_usable else RETRY_S
        return max(0.0, self._failed_at + pause - self._clock())

    async def _refresh(self, *, even_fresh: bool = False) -> None:
        """Fetch, unless another request did while this one waited, or a fetch failed just now."""
        if self._is_down and self._fetching.locked():
            return
        before = self._fetches
        async with self._fetching:
            if self._fetches != before or self._pause_left_s() > 0:
                return
            if self.is_fresh and not even_fresh:
                return
            try:
                self._take(tuple(public_keys(await self._fetch())))
            except UpstreamError as error:
                self._fail(error.message)
            except ValueError as error:
                self._fail(f"What it sent as its keys {error}.")
            self._fetches += 1

    def _take(self, keys: tuple[PublicKey, ...]) -> None:
        if not keys:
            raise ValueError("holds none that can check a signature")
        if self._complaint:
            _log.info("The issuer of tokens answers again.")
        self._complaint = ""
        self._keys = keys
        self.generation += 1
        self._fetched_at = self._clock()
        self._failed_at, self._is_down = -math.inf, False

    def _fail(self, why: str) -> None:
        """One line for one fault, however often it is met."""
        self._failed_at, self._is_down = self._clock(), True
        if why != self._complaint:
            self._complaint = why
            serve = "The keys that it sent before serve." if self._are_usable else "No token opens."
            _log.error("The keys of the issuer of tokens cannot be had: %s %s", why, serve)
