"""A file that is the same for everybody, and for as long as the process runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from proxy.surfaces.exchange import exchange_of


class FixedFile:
    """A surface that serves one file. A client that has it already gets no body.

    Others' pages may read it where CORS lets them; no reply depends on who asks.
    """

    def __init__(
        self, content: bytes, media_type: str, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """`headers` are those that its reply has beside the usual ones."""
        self._content = content
        self._etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        self._headers = {
            "content-type": media_type,
            "etag": self._etag,
            # To be asked for each time: what has two files must not mix those of two versions.
            "cache-control": "no-cache",
            "x-content-type-options": "nosniff",
            **headers,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._reply(scope)(scope, receive, send)

    def _reply(self, scope: Scope) -> Response:
        headers = dict(self._headers)
        if self._is_known(exchange_of(scope).headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        if scope["method"] == "HEAD":
            return Response(headers={**headers, "content-length": str(len(self._content))})
        return Response(self._content, headers=headers)

    def _is_known(self, tags: str) -> bool:
        """Whether a client's list of the versions that it has holds this one."""
        return any(each.strip().removeprefix("W/") in ("*", self._etag) for each in tags.split(","))
