"""The addresses of OpenAI's API that would change documents, and cannot do so here."""

from __future__ import annotations

from typing import Final

from starlette.types import Receive, Scope, Send

from proxy.errors import MethodNotAllowed
from proxy.surfaces.exchange import exchange_of

_LONGEST_SHOWN: Final = 200


class ReadOnly:
    """A surface that refuses, and says where documents are managed."""

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        path = exchange_of(scope).path[:_LONGEST_SHOWN]
        raise MethodNotAllowed(
            f"{path} does not take {scope['method']}: the proxy changes no documents. Manage "
            "workspaces and files in LightOn; the proxy finds them there at once.",
            allowed=("GET", "HEAD"),
        )
