"""The documents of one workspace of LightOn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from proxy.errors import BadRequest
from proxy.upstreams.lighton.lists import Listing, Lists
from proxy.upstreams.lighton.replies import decode
from proxy.upstreams.lighton.search import LightOn
from proxy.upstreams.lighton.stored_file import ListedFile, listed_in

MOST: Final = 2_000
"""The most documents of a workspace that are listed."""

_KEPT: Final = (
    "id",
    "filename",
    "title",
    "workspace",
    "status",
    "created_at",
    "size",
    "tags",
    "external_metadata",
    "content_types",
)


@dataclass(frozen=True, slots=True)
class LightOnFileList:
    """The list. Clients that search with one key share it for a while, whatever they may see."""

    search: LightOn
    lists: Lists

    async def of(self, workspace_id: int) -> tuple[ListedFile, ...]:
        """Each document of the workspace once. Raises UpstreamError, and BadRequest if too many.

        A server that does not know the filter would list others, too: only what says that it is in
        the workspace counts.
        """
        path = f"/api/v3/files?workspace_id={workspace_id}"
        listing = Listing(self.search, path, "files", _refuse_many)
        found = await self.lists.files.get(
            listing.name, make=partial(listing.ask, _trimmed), read=partial(_read, listing)
        )
        return tuple(each for each in found if each.workspace_id == workspace_id)


def _refuse_many(page: Mapping[str, object]) -> None:
    count = page.get("count")
    if type(count) is int and count > MOST:
        raise BadRequest(
            f"This vector store has {count} files, and up to {MOST} can be listed. Search it "
            "instead.",
            param="vector_store_id",
        )


def _trimmed(document: Mapping[str, object]) -> dict[str, object]:
    """Without what nobody reads: summaries, above all."""
    return {name: document[name] for name in _KEPT if name in document}


def _read(listing: Listing, body: bytes) -> tuple[ListedFile, ...]:
    read = map(listed_in, listing.entries(decode(body)))
    return tuple({each.file.id: each for each in read if each is not None}.values())
