"""A document as LightOn's files describe it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from proxy.core.stores import FileStatus, StoredFile
from proxy.upstreams.lighton.attributes import attributes_in
from proxy.upstreams.lighton.files import texts_of_pages
from proxy.upstreams.lighton.replies import tag_id, texts_of
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.times import seconds_of

_STATUSES: Final[Mapping[str, FileStatus]] = {
    "embedded": "processed",
    "parsed": "processed",
    "updating": "processed",
    "fail": "error",
    "parsing_failed": "error",
    "embedding_failed": "error",
}
"""OpenAI's word for LightOn's; all others mean that it is not done yet."""


class ListedFile(NamedTuple):
    """A document on a list, and what it says of itself that scopes look at."""

    file: StoredFile
    workspace_id: int | None
    tag_ids: frozenset[int]

    def is_in(self, scope: LightOnScope) -> bool:
        """Whether it proves to be in a scope that `is_told`."""
        has_tag = scope.tag_id is None or not self.tag_ids.isdisjoint(scope.tag_id)
        is_named = scope.file_id is None or self.file.id in scope.file_id
        in_workspace = scope.workspace_id is None or self.workspace_id in scope.workspace_id
        return has_tag and is_named and in_workspace


def is_told(scope: LightOnScope) -> bool:
    """Whether a document tells by itself that it is in a scope. Of others, only a search can."""
    return scope.content_type is None and scope.attribute is None


def file_in(file_id: int, document: Mapping[str, object]) -> StoredFile:
    """The document. A value of the wrong type counts as absent."""
    texts = texts_of(document, "title", "filename", "status")
    size = document.get("size")
    filename = texts.get("filename") or f"file {file_id}"
    return StoredFile(
        file_id,
        texts.get("title") or filename,
        filename,
        size if type(size) is int and size >= 0 else 0,
        seconds_of(document.get("created_at")),
        _STATUSES.get(texts.get("status", ""), "uploaded"),
        "\n\n".join(text for _, text in sorted(texts_of_pages(document.get("pages")).items())),
        attributes_in(document),
    )


def listed_in(document: Mapping[str, object]) -> ListedFile | None:
    """The entry of a list; None for what has no id."""
    file_id, workspace, tags = (document.get(name) for name in ("id", "workspace", "tags"))
    if type(file_id) is not int or file_id < 0:
        return None
    workspace_id = workspace.get("id") if isinstance(workspace, dict) else None
    return ListedFile(
        file_in(file_id, document),
        workspace_id if type(workspace_id) is int else None,
        frozenset(
            id_
            for each in (tags if isinstance(tags, list) else ())
            if type(id_ := tag_id(each)) is int
        ),
    )
