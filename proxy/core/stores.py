"""Document stores as OpenAI's clients know them: a workspace is a vector store, a document a file.

The search vendor's own numbers are the ids: `ws_42` is the workspace 42, and `1001` a file.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, Protocol

from proxy.core.hidden import Found
from proxy.core.passages import Result
from proxy.core.scope import Scope
from proxy.core.search_tool import Search

FileStatus = Literal["uploaded", "processed", "error"]
Attributes = Mapping[str, str | float | bool]
"""What is known of a document, in OpenAI's bounds: 16 names, texts of 512 characters."""

_STORE_ID: Final = re.compile(r"ws_(0|[1-9][0-9]{0,17})")
_FILE_ID: Final = re.compile(r"0|[1-9][0-9]{0,17}")
"""Such a number fits into 64 bits."""


class Workspace(NamedTuple):
    """A workspace that the search's key can see. Times are seconds since 1970, 0 if unknown."""

    id: int
    name: str
    files: int = 0
    created_at: int = 0
    updated_at: int = 0
    description: str = ""
    role: str = ""
    """What the key may do in it, in the vendor's words; "" if it does not say."""

    @property
    def store_id(self) -> str:
        return f"ws_{self.id}"


class StoredFile(NamedTuple):
    """A document."""

    id: int
    name: str
    """What a reader knows it by."""
    filename: str
    size: int
    """In bytes."""
    created_at: int
    """Seconds since 1970; 0 if unknown."""
    status: FileStatus
    text: str = ""
    """The stored text of all its pages, if it was asked for."""
    attributes: Attributes = MappingProxyType({})


class Documents(Protocol):
    """Workspaces and documents, as one client may see them in one request.

    All methods raise ProxyError.
    """

    @property
    def searches(self) -> int:
        """How many searches were made, including those that failed."""

    @property
    def causes(self) -> Sequence[str]:
        """Why searches failed: a word of `UpstreamError.cause` for each."""

    def workspaces(self) -> Awaitable[tuple[Workspace, ...]]:
        """All that the search's key can see."""

    def search(self, search: Search, scope: Scope) -> Awaitable[Found]:
        """The results of a search, with the attributes of their documents."""

    def find(self, search: Search, scope: Scope, *, in_full: bool) -> Awaitable[Found]:
        """The same for an answer, which counts the search itself. Attributes come `in_full`."""

    def files(self, workspace_id: int, scopes: Sequence[Scope]) -> Awaitable[Sequence[StoredFile]]:
        """The documents of a workspace that are in one of `scopes`.

        Raises Forbidden if nobody can tell which are, and BadRequest if they are too many to list.
        """

    def file(
        self, file_id: int, scopes: Sequence[Scope], *, has_text: bool
    ) -> Awaitable[StoredFile]:
        """A document that is in one of `scopes`. Raises OutOfReach if it is in none."""


class StoreTerms(NamedTuple):
    """What OpenAI's clients ask of a store, as scopes of the search vendor.

    The last two read what a request holds, and its name there. They raise BadRequest that names
    the part at fault.
    """

    of_workspace: Callable[[int], Scope]
    reached: Callable[[Scope, AbstractSet[int]], AbstractSet[int]]
    """Those of some workspaces that a scope reaches."""
    of_filters: Callable[[object, str], Scope]
    of_ranking: Callable[[object, str], Scope]


def scores_of(results: Iterable[Result]) -> list[float]:
    """The scores of results as OpenAI has them, from 0 to 1.

    The vendor's have a bound only where it has judged relevance. Without one, they are shares of
    the best score, so that the order stays.
    """
    scores = [max(each.score or 0.0, 0.0) for each in results]
    best = max(scores, default=0.0)
    return scores if best <= 1 else [score / best for score in scores]


def workspace_of(store_id: str) -> int | None:
    """The workspace that is this vector store; None if it can be none."""
    match = _STORE_ID.fullmatch(store_id)
    return int(match[1]) if match else None


def file_of(file_id: str) -> int | None:
    """The document that is this file; None if it can be none."""
    return int(file_id) if _FILE_ID.fullmatch(file_id) else None
