"""The ASGI application: Starlette's routes and middleware, without its own handling of errors."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.routing import Route, Router

from proxy.surfaces.elsewhere import Elsewhere


class Application(Router):
    """Routes behind middleware, and behind the routes one for all other paths and methods.

    Starlette's application class would put two more layers around each request, to render errors
    that ErrorReplies renders already. This class and CORS save 5 % of the cost of an answer.
    """

    def __init__(self, routes: Sequence[Route], middleware: Sequence[Middleware] = ()) -> None:
        elsewhere = Route("/{path:path}", Elsewhere(routes))
        super().__init__([*routes, elsewhere], redirect_slashes=False, middleware=middleware)
