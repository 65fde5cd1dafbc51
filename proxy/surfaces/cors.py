"""Replies to web pages of other origins."""

from __future__ import annotations

from starlette.middleware.cors import CORSMiddleware
from starlette.types import Receive, Scope, Send

from proxy.surfaces.exchange import exchange_of


class CORS(CORSMiddleware):
    """Starlette's, left out where it says nothing: for a POST that does not come from a page.

    It would add `Vary: Origin`, which is for caches, and these do not keep replies to a POST.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_http = scope["type"] == "http"
        if is_http and scope["method"] == "POST" and "origin" not in exchange_of(scope).headers:
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
