"""The addresses of OpenAI's API that would change documents, and cannot do so here."""

from __future__ import annotations

from typing import Final

from starlette.types import Receive, Scope, Send

from proxy.errors import MethodNotAllowed
from proxy.surfaces.elsewhere import Refusing
from proxy.surfaces.exchange import exchange_of

WRITES: Final = ("POST", "PUT", "PATCH", "DELETE")
_READS: Final = ("GET", "HEAD")


class ReadOnly(Refusing):
    """Says where documents are managed."""

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        what = (
            f"{exchange_of(scope).path} does not take {scope['method']}: the proxy changes no "
            "documents. Manage workspaces and files in LightOn; the proxy finds them there at once."
        )
        raise MethodNotAllowed(what, allowed=_READS)
