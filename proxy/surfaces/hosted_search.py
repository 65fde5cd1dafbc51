"""The hosted `file_search` of a Responses request: the search, of stores that the client names.

A store that does not exist, or is not open to the client, is its mistake: the answer ends with a
404, in the same words for both. What is not open to it, the settings say before anything is asked.
What does not exist, the search that is made anyway says; only if it finds nothing that it may read
is the list of stores looked up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from proxy.core.hidden import Found, HiddenTool
from proxy.core.plan import Policy
from proxy.core.responses.file_search import FileSearch
from proxy.core.scope import Scope, common_scope
from proxy.core.search_tool import Search, SearchTool
from proxy.core.stores import Documents, StoreTerms, workspace_of
from proxy.errors import EmptyScope, NotFound, OutOfReach, UpstreamError

_LONGEST_SHOWN: Final = 80
_MOST_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class HostedSearch:
    """A `SearchUpstream`."""

    asked: FileSearch
    documents: Documents
    terms: StoreTerms
    in_full: bool
    """Whether the client wants to see what is known of the documents that are found."""
    name: str = ""

    async def search(self, search: Search, scope: Scope) -> Found:
        """The results; none where the stores hold nothing that fits. Raises NotFound, too."""
        try:
            return await self.documents.find(search, scope, in_full=self.in_full)
        except OutOfReach as error:
            if not await self._exists(scope, error):
                raise _no_such_stores(self.asked) from None
            return Found()

    async def _exists(self, scope: Scope, error: OutOfReach) -> bool:
        """Whether one of the stores exists that are searched. Raises `error` if nobody can tell."""
        try:
            listed = {each.id for each in await self.documents.workspaces()}
        except UpstreamError:
            raise error.again() from None
        return bool(listed & self.terms.reached(scope, _workspaces(self.asked)))


def hosted(
    tools: Iterable[HiddenTool], policy: Policy, search: HostedSearch
) -> tuple[HiddenTool, ...]:
    """The hidden tools, which search by `search`. Raises NotFound if none of its stores is open."""
    try:
        widest = common_scope(policy.scope, *policy.granted)
    except EmptyScope:
        raise _no_such_stores(search.asked) from None
    if not search.terms.reached(widest, _workspaces(search.asked)):
        raise _no_such_stores(search.asked)
    return tuple(
        replace(each, upstream=replace(search, name=each.upstream_name))
        if isinstance(each, SearchTool)
        else each
        for each in tools
    )


def _workspaces(asked: FileSearch) -> frozenset[int]:
    return frozenset(id_ for each in asked.stores if (id_ := workspace_of(each)) is not None)


def _no_such_stores(asked: FileSearch) -> NotFound:
    """In OpenAI's words, and what to do about it."""
    shown = [each[:_LONGEST_SHOWN] for each in asked.stores[:_MOST_SHOWN]]
    return NotFound(
        f"Vector store with id {shown} not found. GET /v1/vector_stores lists those that you can "
        "search.",
        param=f"{asked.param}.vector_store_ids",
    )
