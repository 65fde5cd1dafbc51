"""The last route: it takes what no other does, and says what there is instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from proxy.errors import MethodNotAllowed, NotFound, ProxyError
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.middleware import BESIDE_API

_LONGEST_SHOWN: Final = 200
_INSTEAD: Final[Mapping[str, str]] = {
    "/completions": "It is the API before chats: use POST /v1/chat/completions, as ChatOpenAI does "
    "in LangChain.",
}
"""What clients of a route that will never be here can use."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Refuses a request that is for none of `routes`, which it lists, or for none of its methods.

    It stands behind them as a route of its own, so they are asked first. It does not speak of those
    that are in no schema. Raises NotFound and MethodNotAllowed.
    """

    routes: Sequence[Route]

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        raise self._refusal(scope)

    def _refusal(self, scope: Scope) -> ProxyError:
        method, path = scope["method"], exchange_of(scope).path[:_LONGEST_SHOWN]
        allowed = sorted(self._methods(scope))
        if allowed:
            what = f"{path} takes {' and '.join(allowed)}, not {method}."
            return MethodNotAllowed(what, allowed=allowed)
        offers = (f"{each} {place}" for each, place in offers_of(self.routes))
        there_are = f"There are: {', '.join(offers)}."
        instead = _INSTEAD.get(scope["path"], "")
        return NotFound(f"There is no {method} {path} here. {instead}".strip() + f" {there_are}")

    def _methods(self, scope: Scope) -> set[str]:
        """Those that the path of a request takes."""
        return {
            method
            for route in self.routes
            if route.include_in_schema and route.matches(scope)[0] is not Match.NONE
            for method in route.methods or ()
        }


def offers_of(routes: Sequence[Route]) -> Iterator[tuple[str, str]]:
    """Each method of the API, and its path as clients write it."""
    for route in routes:
        if route.include_in_schema:
            path = route.path_format
            shown = path if path in BESIDE_API else f"/v1{path}"
            for method in sorted((route.methods or set()) - {"HEAD"}):  # it comes with GET
                yield method, shown
