"""The workspaces that a key of LightOn can see."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from proxy.core.stores import Workspace
from proxy.errors import BadReply
from proxy.state.shared import Shared
from proxy.upstreams.http.causes import SHAPE
from proxy.upstreams.lighton.replies import NAME, decode, fault_of, texts_of
from proxy.upstreams.lighton.search import LightOn
from proxy.upstreams.lighton.times import seconds_of

TTL_S: Final = 60.0
"""For how long a list is kept."""
MOST_PAGES: Final = 100
LONGEST_NAME: Final = 300

_PATH: Final = "/api/v3/workspaces"
_QUERY: Final = re.compile(r"[!-~]{1,500}")
"""What may stand in a request line: the address of the next page comes from outside."""

Lists = Shared[tuple[Workspace, ...]]


@dataclass(frozen=True, slots=True)
class LightOnWorkspaces:
    """The list of workspaces. Clients that search with one key share it for a while."""

    search: LightOn
    lists: Lists

    async def all(self) -> tuple[Workspace, ...]:
        """Each once, in LightOn's order. Raises UpstreamError."""
        return await self.lists.get(self._name(), make=self._ask, read=_read)

    def _name(self) -> str:
        whose = orjson.dumps((self.search.endpoint.base_url, self.search.vendor.key))
        return f"workspaces:{hashlib.sha256(whose).hexdigest()}"

    async def _ask(self) -> bytes:
        """All pages of LightOn's list in one, without what nobody reads."""
        found: list[dict[str, object]] = []
        query = ""
        for _ in range(MOST_PAGES):
            page = await self.search.retries.of_search(partial(self._page, query))
            found += map(_trimmed, _results(page))
            query = _next(page)
            if not query:
                return orjson.dumps({"results": found})
        raise _unreadable()  # it may be going round in circles

    async def _page(self, query: str) -> Mapping[str, object]:
        reply = await self.search.fetch("GET", f"{_PATH}?{query}" if query else _PATH)
        if reply.status != HTTPStatus.OK:
            fault = fault_of(reply.body)
            raise self.search.vendor.error(reply.status, fault, headers=reply.headers)
        return decode(reply.body)


def _results(page: Mapping[str, object]) -> list[dict[str, Any]]:
    items = page.get("results")
    if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
        raise _unreadable()
    return items


def _next(page: Mapping[str, object]) -> str:
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
        raise _unreadable()
    return query


def _trimmed(item: Mapping[str, object]) -> dict[str, object]:
    kept = ("id", "name", "files_count", "created_at", "updated_at", "description", "user_role")
    return {name: item.get(name) for name in kept}


def _read(body: bytes) -> tuple[Workspace, ...]:
    read = (_workspace(each) for each in _results(decode(body)))
    return tuple({each.id: each for each in read if each is not None}.values())


def _workspace(item: Mapping[str, object]) -> Workspace | None:
    """A workspace; None for what has no id. A value of the wrong type counts as absent."""
    id_, files = item.get("id"), item.get("files_count")
    if type(id_) is not int or id_ < 0:
        return None
    texts = texts_of(item, "name", "description", "user_role")
    return Workspace(
        id_,
        texts.get("name", "")[:LONGEST_NAME] or f"workspace {id_}",
        files if type(files) is int and files >= 0 else 0,
        seconds_of(item.get("created_at")),
        seconds_of(item.get("updated_at")),
        texts.get("description", ""),
        texts.get("user_role", ""),
    )


def _unreadable() -> BadReply:
    return BadReply(NAME, f"{NAME} sent a list of workspaces that cannot be read.", cause=SHAPE)
