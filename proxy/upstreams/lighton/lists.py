"""LightOn's lists: they come in pages, and are kept for a while for all who search with one key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from proxy.core.stores import Workspace
from proxy.errors import BadReply
from proxy.state.shared import Shared
from proxy.state.store import Store
from proxy.upstreams.http.causes import SHAPE
from proxy.upstreams.lighton.replies import NAME, decode, fault_of
from proxy.upstreams.lighton.search import LightOn
from proxy.upstreams.lighton.stored_file import ListedFile

TTL_S: Final = 60.0
"""For how long a list is kept."""
MOST_PAGES: Final = 100

_QUERY: Final = re.compile(r"[!-~]{1,500}")
"""What may stand in a request line: the address of the next page comes from outside."""


@dataclass(slots=True)
class Lists:
    """The lists that are kept in `store`."""

    store: Store
    ttl_s: float
    workspaces: Shared[tuple[Workspace, ...]] = field(init=False)
    files: Shared[tuple[ListedFile, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self.workspaces = Shared(self.store, self.ttl_s)
        self.files = Shared(self.store, self.ttl_s)


@dataclass(frozen=True, slots=True)
class Listing:
    """One list of LightOn's, for those who search with one key."""

    search: LightOn
    path: str
    what: str
    """What it lists, for errors."""
    check: Callable[[Mapping[str, object]], None] = lambda _: None
    """Looks at each page, and may refuse the list."""

    @property
    def name(self) -> str:
        """A name for it and its key."""
        whose = orjson.dumps((self.search.endpoint.base_url, self.search.vendor.key, self.path))
        return f"{self.what}:{hashlib.sha256(whose).hexdigest()}"

    async def ask(self, trimmed: Callable[[dict[str, Any]], object]) -> bytes:
        """All pages in one, with what is `trimmed` of each entry. Raises UpstreamError."""
        found: list[object] = []
        address = self.path
        for _ in range(MOST_PAGES):
            page = await self.search.retries.of_search(partial(self._page, address))
            self.check(page)
            found += map(trimmed, self.entries(page))
            query = self._next(page)
            if not query:
                return orjson.dumps({"results": found})
            address = f"{self.path.partition('?')[0]}?{query}"
        raise self._unreadable()  # it may be going round in circles

    def entries(self, page: Mapping[str, object]) -> list[dict[str, Any]]:
        items = page.get("results")
        if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
            raise self._unreadable()
        return items

    async def _page(self, address: str) -> Mapping[str, object]:
        reply = await self.search.fetch("GET", address)
        if reply.status != HTTPStatus.OK:
            fault = fault_of(reply.body)
            raise self.search.vendor.error(reply.status, fault, headers=reply.headers)
        return decode(reply.body)

    def _next(self, page: Mapping[str, object]) -> str:
        """The query of the next page; "" if this is the last.

        The rest of its address does not count: the key is for LightOn only.
        """
        address = page.get("next")
        if not address:
            return ""
        try:
            query = urlsplit(address).query if isinstance(address, str) else ""
        except ValueError:
            query = ""
        if not _QUERY.fullmatch(query):
            raise self._unreadable()
        return query

    def _unreadable(self) -> BadReply:
        return BadReply(
            NAME, f"{NAME} sent a list of {self.what} that cannot be read.", cause=SHAPE
        )
