"""What all surfaces of stores and files need: what a client may reach, and who knows of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

from starlette.types import Receive

from proxy.access.clients import Client
from proxy.core.effort import Effort
from proxy.core.inflight import InFlight
from proxy.core.scope import Scope, Wish
from proxy.core.stores import Documents, StoreTerms, Workspace, workspace_of
from proxy.core.wish import Wishes
from proxy.errors import BadRequest, EmptyScope, NotFound
from proxy.settings import Settings
from proxy.settings.policies import Policies
from proxy.surfaces.disconnect import while_connected
from proxy.surfaces.exchange import Exchange
from proxy.surfaces.time_limit import in_time
from proxy.telemetry.facts import AnswerFacts

Reach = tuple[Scope, ...]
"""What a request may reach: all that any of these allow."""
DocumentsOf = Callable[[Client, Effort], Documents]
"""The documents of one request, as its client may see them. Raises ProxyError."""

_LONGEST_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Stores:
    """The parts that these surfaces are made of."""

    settings: Settings
    policies: Policies
    wishes: Wishes
    terms: StoreTerms
    documents_of: DocumentsOf
    inflight: InFlight
    """Counts what all requests hold."""
    keeps_trails: bool = False
    """Whether there is an audit, which wants to know what was shown."""

    def reach(self, client: Client, headers: Mapping[str, str]) -> Reach:
        """All that a request may reach: what is open to its client, and its headers leave."""
        wish = self.wishes.read_headers(headers)
        return within(self.policies.open_to(client), wish)

    def of_store(self, reach: Reach, store_id: str) -> Scope:
        """What may be searched in a store. Raises NotFound.

        If several profiles open it, it is what the first of them opens.
        """
        workspace_id = workspace_of(store_id)
        if workspace_id is not None:
            for scope in within(reach, Wish(self.terms.of_workspace(workspace_id))):
                return scope
        raise no_such_store(store_id)

    async def seen(self, documents: Documents, reach: Reach) -> dict[str, Workspace]:
        """The workspaces within reach, by the ids of their stores, oldest first."""
        if not reach:
            return {}
        found = await documents.workspaces()
        reached = reached_of(found, reach, self.terms)
        return {each.store_id: each for each in sorted(found, key=_age) if each.id in reached}

    def effort(self, exchange: Exchange) -> Effort:
        """That of a request that begins now."""
        until = asyncio.get_running_loop().time() + self.settings.answer_timeout_s
        return Effort(until, timeline=exchange.timeline)

    async def reply(self, work: Awaitable[None], effort: Effort, receive: Receive) -> None:
        """Do `work` while the client waits for it, and within the time for an answer."""
        limit_s = self.settings.answer_timeout_s
        await while_connected(receive, in_time(work, effort.until, limit_s))


def reached_of(found: Iterable[Workspace], reach: Reach, terms: StoreTerms) -> frozenset[int]:
    """The ids of those workspaces of which anything is within reach."""
    ids = frozenset(each.id for each in found)
    return frozenset(chain.from_iterable(terms.reached(scope, ids) for scope in reach))


def within(reach: Reach, wish: Wish) -> Reach:
    """What a wish leaves of some scopes, without those of which it leaves nothing."""
    if wish.retrieval == "off":
        raise BadRequest("The request says that it searches nothing: its retrieval is 'off'.")
    left: list[Scope] = []
    for scope in reach:
        try:
            left.append(wish.within(scope))
        except EmptyScope:
            continue
    return tuple(left)


def no_such_store(store_id: str) -> NotFound:
    """In the same words whether it does not exist, or is not open to the client."""
    shown = store_id[:_LONGEST_SHOWN]
    return NotFound(
        f"No vector store found with id {shown!r}. GET /v1/vector_stores lists those that you can "
        "search.",
        param="vector_store_id",
    )


def facts_of(documents: Documents, effort: Effort, kind: str, *, reads: int = 0) -> AnswerFacts:
    """What a request has taken that no model answers. `reads` are texts that it has shown."""
    return AnswerFacts(
        model="",
        answered_by="",
        stream=False,
        rounds=0,
        searches=documents.searches + reads,
        reads=reads,
        tokens=0,
        failed_searches=len(documents.causes),
        search_causes=tuple(dict.fromkeys(documents.causes)),
        retrieval=kind,
        has_model=False,
        timeline=effort.timeline,
    )


def _age(workspace: Workspace) -> tuple[int, int]:
    return workspace.created_at, workspace.id
