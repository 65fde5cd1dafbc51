"""GET /v1/vector_stores/{id}/files, and what is behind it: the documents of a workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from proxy.core.paging import PARAMETERS, paging_of
from proxy.core.scope import Wish
from proxy.core.stores import Documents, FileStatus, StoredFile, workspace_of
from proxy.errors import BadRequest
from proxy.surfaces.address import parameters_of
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.files import OneFile
from proxy.surfaces.replies import JSONReply
from proxy.surfaces.request_body import refuse_repeated_headers
from proxy.surfaces.stores import Reach, Stores, no_such_store, within

_STATUSES: Final[Mapping[FileStatus, str]] = {
    "uploaded": "in_progress",
    "processed": "completed",
    "error": "failed",
}
_FILTER: Final = "filter"
_FILTERS: Final = ("in_progress", "completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class StoreFiles:
    """The surface of the list."""

    stores: Stores

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refuse_repeated_headers(scope)
        given = parameters_of(scope["query_string"], (*PARAMETERS, _FILTER))
        paging, status = paging_of(given), _status(given.get(_FILTER))
        stores, exchange = self.stores, exchange_of(scope)
        store_id = scope["path_params"]["store_id"]
        reach = _of_store(stores, stores.reach(exchange.client, exchange.headers), store_id)
        effort = stores.effort(exchange)
        documents = stores.documents_of(exchange.client, effort)

        async def reply() -> None:
            files = await self._files(documents, reach, store_id)
            shown = [_object(each, store_id) for each in files]
            listed = [each for each in shown if status in {None, each["status"]}]
            await JSONReply(paging.list_of(listed))(scope, receive, send)

        await stores.reply(reply(), effort, receive)

    async def _files(
        self, documents: Documents, reach: Reach, store_id: str
    ) -> Sequence[StoredFile]:
        """Oldest first. Raises NotFound for a store that the search's key cannot see."""
        workspace = (await self.stores.seen(documents, reach)).get(store_id)
        if workspace is None:
            raise no_such_store(store_id)
        return sorted(await documents.files(workspace.id, reach), key=_age)


class StoreFile(OneFile):
    """One document of a workspace, or its stored text."""

    def reach(self, scope: Scope) -> Reach:
        return _of_store(self.stores, super().reach(scope), scope["path_params"]["store_id"])

    def described(self, file: StoredFile, scope: Scope) -> Response:
        if not self.has_content:
            return JSONReply(_object(file, scope["path_params"]["store_id"]))
        page = {
            "object": "vector_store.file_content.page",
            "data": [{"type": "text", "text": file.text}],
            "has_more": False,
            "next_page": None,
        }
        return JSONReply(page)


def _of_store(stores: Stores, reach: Reach, store_id: str) -> Reach:
    """What of a reach is in a store. Raises NotFound if that is nothing."""
    workspace_id = workspace_of(store_id)
    if workspace_id is not None:
        inside = within(reach, Wish(stores.terms.of_workspace(workspace_id)))
        if inside:
            return inside
    raise no_such_store(store_id)


def _status(given: str | None) -> str | None:
    if given is not None and given not in _FILTERS:
        raise BadRequest(f"'{_FILTER}' must be one of {', '.join(_FILTERS)}.", param=_FILTER)
    return given


def _age(file: StoredFile) -> tuple[int, int]:
    return file.created_at, file.id


def _object(file: StoredFile, store_id: str) -> dict[str, Any]:
    status = _STATUSES[file.status]
    fault = {"code": "server_error", "message": "LightOn could not read the file."}
    return {
        "id": str(file.id),
        "object": "vector_store.file",
        "usage_bytes": file.size,
        "created_at": file.created_at,
        "vector_store_id": store_id,
        "status": status,
        "last_error": fault if status == "failed" else None,
        "attributes": dict(file.attributes),
    }
