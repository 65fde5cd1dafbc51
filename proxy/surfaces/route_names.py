"""By which route a path was asked for, as records name it: one of few, whatever clients send."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import Route

from proxy.surfaces.middleware import plain_path
from proxy.telemetry.label_values import OTHER


class RouteNames:
    """Knows the routes. A route is named by its path, without `/v1` and with its parameters."""

    def __init__(self, routes: Sequence[Route]) -> None:
        names = [route.path_format for route in routes]
        self._known = {name: name for name in names if "{" not in name}
        self._known |= {f"/v1{name}": name for name in self._known}
        self._others = [
            (route.path_regex, route.path_format) for route in routes if route.param_convertors
        ]

    def of(self, path: str) -> str:
        """The route of a path as the client sent it; "other" if there is none."""
        if (known := self._known.get(path)) is not None:
            return known
        plain = plain_path(path)
        if (known := self._known.get(plain)) is not None:
            return known
        return next((name for regex, name in self._others if regex.match(plain)), OTHER)
