"""GET /v1/vector_stores and /v1/vector_stores/{id}: the workspaces that a client may search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from proxy.core.paging import PARAMETERS, paging_of
from proxy.core.stores import Workspace
from proxy.surfaces.address import parameters_of
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.replies import JSONReply
from proxy.surfaces.request_body import refuse_repeated_headers
from proxy.surfaces.stores import Stores, no_such_store

_LONGEST_TEXT: Final = 512
"""The most characters of a value in `metadata`."""


@dataclass(frozen=True, slots=True)
class VectorStoreList:
    stores: Stores

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        paging = paging_of(parameters_of(scope["query_string"], PARAMETERS))

        def document(seen: Mapping[str, Workspace]) -> Any:
            return paging.list_of(list(map(_described, seen.values())))

        await _reply(self.stores, document, scope, receive, send)


@dataclass(frozen=True, slots=True)
class OneVectorStore:
    stores: Stores

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parameters_of(scope["query_string"])
        store_id = scope["path_params"]["store_id"]

        def document(seen: Mapping[str, Workspace]) -> Any:
            if store_id not in seen:
                raise no_such_store(store_id)
            return _described(seen[store_id])

        await _reply(self.stores, document, scope, receive, send)


async def _reply(
    stores: Stores,
    document: Callable[[Mapping[str, Workspace]], Any],
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Reply with the document of what the client can see. It may raise ProxyError."""
    refuse_repeated_headers(scope)
    exchange = exchange_of(scope)
    reach, effort = stores.reach(exchange.client, exchange.headers), stores.effort(exchange)
    documents = stores.documents_of(exchange.client, effort)

    async def reply() -> None:
        seen = await stores.seen(documents, reach)
        await JSONReply(document(seen))(scope, receive, send)

    await stores.reply(reply(), effort, receive)


def _described(workspace: Workspace) -> dict[str, Any]:
    """OpenAI's object. LightOn tells how many files there are, not how far each of them is."""
    counts = {"in_progress": 0, "completed": workspace.files, "failed": 0, "cancelled": 0}
    about = workspace.description[:_LONGEST_TEXT]
    return {
        "id": workspace.store_id,
        "object": "vector_store",
        "created_at": workspace.created_at,
        "name": workspace.name,
        "usage_bytes": 0,
        "file_counts": {**counts, "total": workspace.files},
        "status": "completed",
        "expires_after": None,
        "expires_at": None,
        "last_active_at": workspace.updated_at or None,
        "metadata": {"description": about} if about else {},
    }
