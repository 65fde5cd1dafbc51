"""Replies to web pages of other origins."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.surfaces.exchange import exchange_of


class CORS:
    """Starlette's middleware, left out for a POST that does not come from a page.

    There it would only add `Vary: Origin`, for caches, which keep no replies to a POST. This class
    and Application save 5 % of the cost of an answer.
    """

    def __init__(self, app: ASGIApp, /, **options: Any) -> None:
        self.app = app
        self.for_pages = CORSMiddleware(app, **options)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        is_post = scope["type"] == "http" and scope["method"] == "POST"
        if is_post and "origin" not in exchange_of(scope).headers:
            return self.app(scope, receive, send)
        return self.for_pages(scope, receive, send)
