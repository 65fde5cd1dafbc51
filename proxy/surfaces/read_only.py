"""The addresses of OpenAI's API that would change documents, and cannot do so here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.types import Receive, Scope, Send

from proxy.errors import MethodNotAllowed
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.replies import error_reply
from proxy.telemetry.facts import Failure

WRITES: Final = ("POST", "PUT", "PATCH", "DELETE")
_HEADERS: Final[Mapping[str, str]] = {"allow": "GET, HEAD"}


class ReadOnly:
    """A surface that refuses, and says where documents are managed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = MethodNotAllowed(
            f"{exchange_of(scope).path} does not take {scope['method']}: the proxy changes no "
            "documents. Manage workspaces and files in LightOn; the proxy finds them there at once."
        )
        exchange_of(scope).failure = Failure.of(error)
        reply = error_reply(error)
        reply.headers.update(_HEADERS)
        await reply(scope, receive, send)
