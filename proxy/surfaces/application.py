"""The ASGI application: Starlette's routes and middleware, without its own handling of errors."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Match, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.surfaces.elsewhere import Elsewhere


class AllOthers(BaseRoute):
    """A route of every path. That of `/{path:path}` has no line break in its path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def matches(self, _scope: Scope) -> tuple[Match, Scope]:
        return Match.FULL, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class Application(Router):
    """Routes behind middleware, and behind the routes one for all other paths and methods.

    Starlette's application class would put two more layers around each request, to render errors
    that ErrorReplies renders already. This class and CORS save 5 % of the cost of an answer.
    """

    def __init__(self, routes: Sequence[Route], middleware: Sequence[Middleware] = ()) -> None:
        super().__init__(
            [*routes, AllOthers(Elsewhere(routes))], redirect_slashes=False, middleware=middleware
        )
