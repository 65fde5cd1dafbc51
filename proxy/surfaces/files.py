"""GET /v1/files/{id} and /v1/files/{id}/content: a document within reach, and its stored text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from proxy.core.stores import Documents, StoredFile, file_of
from proxy.errors import NotFound, OutOfReach
from proxy.surfaces.address import parameters_of
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.replies import JSONReply
from proxy.surfaces.request_body import refuse_repeated_headers
from proxy.surfaces.server_timing import timed
from proxy.surfaces.stores import Reach, Stores, facts_of
from proxy.telemetry.trail import Document, trail_of_file

_LONGEST_SHOWN: Final = 80
_TEXT_HEADERS: Final = {"x-content-type-options": "nosniff"}


@dataclass(frozen=True, slots=True)
class OneFile:
    """The surface of both: what `has_content` replies with the text."""

    stores: Stores
    has_content: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refuse_repeated_headers(scope)
        parameters_of(scope["query_string"])
        stores, exchange = self.stores, exchange_of(scope)
        reach = self.reach(scope)
        effort = stores.effort(exchange)
        documents = stores.documents_of(exchange.client, effort)
        found: list[StoredFile] = []

        async def reply() -> None:
            file = await self._file(scope["path_params"]["file_id"], documents, reach)
            found.append(file)
            whole = timed(self.described(file, scope), effort.timeline)
            await whole(scope, receive, send)

        try:
            await stores.reply(reply(), effort, receive)
        finally:
            shown = found if self.has_content else []
            exchange.answer = facts_of(documents, effort, "file", reads=len(shown))
            if stores.keeps_trails:
                told = [Document(each.id, each.name, ()) for each in shown]
                exchange.trail = trail_of_file([each.identity for each in reach], told)

    def reach(self, scope: Scope) -> Reach:
        """Where the document must be."""
        exchange = exchange_of(scope)
        return self.stores.reach(exchange.client, exchange.headers)

    async def _file(self, file_id: str, documents: Documents, reach: Reach) -> StoredFile:
        """The document. The error is the same for all that are not within reach."""
        number = file_of(file_id)
        if number is not None and reach:
            try:
                return await documents.file(number, reach, has_text=self.has_content)
            except OutOfReach:
                pass
        shown = file_id[:_LONGEST_SHOWN]
        raise NotFound(f"No file found with id {shown!r}.", param="file_id")

    def described(self, file: StoredFile, scope: Scope) -> Response:  # noqa: ARG002 - others look at it
        if self.has_content:
            return Response(file.text, media_type="text/markdown", headers=_TEXT_HEADERS)
        return JSONReply(_object(file))


def _object(file: StoredFile) -> dict[str, Any]:
    return {
        "id": str(file.id),
        "object": "file",
        "bytes": file.size,
        "created_at": file.created_at,
        "expires_at": None,
        "filename": file.name,
        "purpose": "assistants",
        "status": file.status,
        "status_details": None,
    }
