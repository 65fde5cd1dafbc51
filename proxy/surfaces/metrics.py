"""GET /metrics: what the proxy has counted, in all its processes, as Prometheus reads it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.access.clients import ANYBODY
from proxy.access.loopback import check_loopback
from proxy.errors import Forbidden
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.middleware import METRICS_PATH
from proxy.surfaces.replies import error_reply
from proxy.telemetry.boards import Boards
from proxy.telemetry.exposition import page_of
from proxy.telemetry.gauges import Gauges

_HEADERS: Final = {"cache-control": "no-store"}
_NO_KEY_FOR_IT: Final = (
    "This key may not read the metrics, because they tell of all clients. Make one that may: "
    "rag-proxy keys add NAME --metrics."
)
_NOT_FROM_HERE: Final = (
    "On a loopback address the port of the metrics answers only to this machine, by its own names. "
    "For others, set metrics_host (RAG_PROXY_METRICS_HOST), or read /metrics of the proxy with a "
    "key: rag-proxy keys add NAME --metrics."
)


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """The surface. Only clients whose key says so may read it; anybody where there are no keys."""

    boards: Boards
    gauges: Gauges

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = exchange_of(scope).client
        if client is not ANYBODY and not client.allowed.may_read_metrics:
            raise Forbidden(_NO_KEY_FOR_IT)
        self.gauges.look()
        await reply(self.boards, scope, receive, send)


def metrics_routes(boards: Boards | None, gauges: Gauges | None) -> list[Route]:
    """The route, if anything is counted."""
    if boards is None or gauges is None:
        return []
    return [Route(METRICS_PATH, MetricsPage(boards, gauges), methods=["GET"])]


@dataclass(frozen=True, slots=True)
class WithoutKey:
    """The same on a port of its own.

    On a loopback address it answers only to this machine, as a proxy without keys does.
    """

    boards: Boards
    is_loopback: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if self.is_loopback:
                check_loopback(Headers(scope=scope))
        except Forbidden:
            await error_reply(Forbidden(_NOT_FROM_HERE))(scope, receive, send)
            return
        await reply(self.boards, scope, receive, send)


def metrics_app(boards: Boards, *, is_loopback: bool) -> ASGIApp:
    """The application of that port."""
    page = WithoutKey(boards, is_loopback)
    return Router([Route(METRICS_PATH, page, methods=["GET"])], redirect_slashes=False)


async def reply(boards: Boards, scope: Scope, receive: Receive, send: Send) -> None:
    """Send what the boards show, in a form that the request admits."""
    accept = Headers(scope=scope).get("accept", "")
    page = await asyncio.to_thread(lambda: page_of(boards.read(), accept))
    headers = {**_HEADERS, "content-type": page.content_type}
    await Response(page.body, headers=headers)(scope, receive, send)
