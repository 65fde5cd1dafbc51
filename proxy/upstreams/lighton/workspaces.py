"""The workspaces that a key of LightOn can see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from proxy.core.stores import Workspace
from proxy.upstreams.lighton.lists import Listing, Lists
from proxy.upstreams.lighton.replies import decode, texts_of
from proxy.upstreams.lighton.search import LightOn
from proxy.upstreams.lighton.times import seconds_of

LONGEST_NAME: Final = 300

_PATH: Final = "/api/v3/workspaces"


@dataclass(frozen=True, slots=True)
class LightOnWorkspaces:
    """The list of workspaces. Clients that search with one key share it for a while."""

    search: LightOn
    lists: Lists

    async def all(self) -> tuple[Workspace, ...]:
        """Each once, in LightOn's order. Raises UpstreamError."""
        listing = Listing(self.search, _PATH, "workspaces")
        return await self.lists.workspaces.get(
            listing.name, make=partial(listing.ask, _trimmed), read=partial(_read, listing)
        )


def _trimmed(item: Mapping[str, object]) -> dict[str, object]:
    """Without what nobody reads."""
    kept = ("id", "name", "files_count", "created_at", "updated_at", "description", "user_role")
    return {name: item.get(name) for name in kept}


def _read(listing: Listing, body: bytes) -> tuple[Workspace, ...]:
    read = (_workspace(each) for each in listing.entries(decode(body)))
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
