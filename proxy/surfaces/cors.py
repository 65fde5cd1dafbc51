"""Replies to web pages of other origins."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.middleware import METRICS_PATH, plain_path


class CORS:
    """Starlette's middleware, left out for a POST that does not come from a page.

    There it would only add `Vary: Origin`, for caches, which keep no replies to a POST. This class
    and Application save 5 % of the cost of an answer. Metrics are for no page at all.
    """

    def __init__(self, app: ASGIApp, /, **options: Any) -> None:
        self.app = app
        self.for_pages = CORSMiddleware(app, **options)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and _is_without(scope):
            return self.app(scope, receive, send)
        return self.for_pages(scope, receive, send)


def _is_without(scope: Scope) -> bool:
    if scope["method"] == "POST":
        return "origin" not in exchange_of(scope).headers
    return plain_path(scope["path"]) == METRICS_PATH
