"""Failed requests leave nothing for the collector of cyclic garbage, which runs rarely.

On uvloop, as the server runs: asyncio's own transports are cycles.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import orjson
import pytest

from proxy.app import create_app
from proxy.settings import Settings
from proxy.upstreams.http.outbound import Outbound
from tests.support.asgi import ask
from tests.support.clock import LIMIT_S, SkippingLoop, idle
from tests.support.peers import refusing
from tests.support.script import event
from tests.upstreams.raw_server import Connection, Script, chunk, chunked, raw_server, reply
from tests.upstreams.scaleway.samples import ONE

REQUESTS = 10
STREAMED = {"stream": True}
SEARCHED = {"lighton": {"retrieval": "context"}}


def saying(
    data: bytes,
    *,
    resets: bool = False,
    stays: bool = True,
    greets: bool = False,
    stalls: bool = False,
) -> Script:
    """A server that says this to each request; if it `stalls`, the limit for more runs out."""

    async def script(connection: Connection) -> None:
        if greets:
            await connection.send(data)
            await connection.gone()
            return
        while True:
            await connection.request()
            await connection.send(data)
            if stalls:
                await running_out()
            if resets:
                connection.reset()
                return
            if not stays:
                return

    return script


async def running_out() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SkippingLoop)
    await loop.run_out()


ANSWER = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}
ANSWERING = saying(reply(orjson.dumps({"model": "m", "choices": [ANSWER]})))
FAILING = saying(reply(b'{"message": "no"}', status="500 Internal Server Error"))
SILENT = saying(b"")
STALLING = saying(b"", stalls=True)
NO_TLS = saying(b"SSH-2.0\r\n\r\n", greets=True)
"""Is asked by way of TLS, and speaks none."""

KINDS: dict[str, tuple[dict[str, Any], Script | None, Script | None]] = {
    "answered": ({}, ANSWERING, None),
    "answered with a search": (SEARCHED, ANSWERING, saying(reply(b'{"results": []}'))),
    "not read": ({"messages": 3}, ANSWERING, None),
    "refused": ({}, None, None),
    "refused stream": (STREAMED, None, None),
    "closed": ({}, saying(b"", stays=False), None),
    "reset": ({}, saying(b"", resets=True), None),
    "timed out": ({}, STALLING, None),
    "not TLS": ({}, NO_TLS, None),
    "not HTTP": ({}, saying(b"SSH-2.0\r\n\r\n"), None),
    "failed": ({}, FAILING, None),
    "key rejected": ({}, saying(reply(b"", status="401 Unauthorized")), None),
    "moved": ({}, saying(reply(b"", "location: /", status="302 Found")), None),
    "not JSON": ({}, saying(reply(b"{")), None),
    "broken": ({}, saying(reply(b"{}")[:-1], resets=True), None),
    "broken stream": (STREAMED, saying(chunked(event(ONE)), resets=True), None),
    "stream cut short": (STREAMED, saying(chunked(event(ONE)) + chunk(b"")), None),
    "error in a stream": (STREAMED, saying(chunked(event(ONE) + event({"error": "no"}))), None),
    "bad stream": (STREAMED, saying(chunked(event(ONE) + b"data: {\n\n")), None),
    "search refused": (SEARCHED, ANSWERING, None),
    "search failed": (SEARCHED, ANSWERING, FAILING),
    "search not JSON": (SEARCHED, ANSWERING, saying(reply(b"{"))),
    "search timed out": (SEARCHED, ANSWERING, STALLING),
}


@asynccontextmanager
async def served(script: Script | None) -> AsyncIterator[str]:
    """The URL of a server; without a script, of one that is gone."""
    if script is None:
        yield refusing()
        return
    async with raw_server(script) as server:
        yield server.url


@contextmanager
def uncollected() -> Iterator[list[int]]:
    """Gives how many objects were left for the collector, once the context has been left."""
    found: list[int] = []
    gc.collect()
    gc.disable()
    try:
        yield found
        found.append(gc.collect())
    finally:
        gc.enable()


async def garbage(  # noqa: PLR0913 - what may happen to a request
    body: dict[str, Any],
    model: Script | None,
    search: Script | None,
    *,
    goes: bool = False,
    by_proxy: bool = False,
    retries: int = 0,
    path: str = "/v1/chat/completions",
) -> int:
    """How many objects are left; `by_proxy` takes `model` for what a proxy on the way does."""
    scheme = "https" if model is NO_TLS else "http"
    async with served(model) as scaleway, served(search) as lighton:
        base_url = "https://model.test" if by_proxy else scaleway.replace("http", scheme)
        settings = Settings(
            scaleway_base_url=f"{base_url}/v1",
            scaleway_api_key="k",
            lighton_base_url=lighton,
            lighton_api_key="k",
            retrieval="off",
            connect_timeout_s=LIMIT_S,
            round_idle_s=LIMIT_S,
            search_timeout_s=LIMIT_S,
            model_retries=retries,
            search_retries=retries,
        )
        outbound = Outbound.of(settings, {"HTTPS_PROXY": scaleway} if by_proxy else {})
        app = create_app(settings, outbound)
        hangs_up = asyncio.Event()
        if goes:
            hangs_up.set()
        asked = {"messages": [{"role": "user", "content": "hello"}], **body}
        if path != "/v1/chat/completions":
            asked = body

        async def request() -> None:
            await ask(app, path, asked, method="POST" if asked else "GET", hangs_up=hangs_up)
            await idle()  # what was closed is taken leave of

        await request()
        with uncollected() as found:
            for _ in range(REQUESTS):
                await request()
        await outbound.aclose()
        return found[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_leaves_no_cycles_however_it_ends(kind: str) -> None:
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        assert runner.run(garbage(*KINDS[kind])) < REQUESTS


@pytest.mark.parametrize("body", [{}, STREAMED, SEARCHED])
def test_a_request_that_was_tried_again_leaves_no_cycles(body: dict[str, Any]) -> None:
    busy = saying(reply(b"{}", "retry-after-ms: 1", status="503 Service Unavailable"))
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        model = ANSWERING if body is SEARCHED else busy
        assert runner.run(garbage(body, model, busy, retries=2)) < REQUESTS


STORES: dict[str, Script | None] = {
    "answered": saying(reply(b'{"results": []}')),
    "refused": None,
    "failed": FAILING,
    "nothing": saying(reply(b'{"detail": "no"}', status="403 Forbidden")),
    "not JSON": saying(reply(b"{")),
    "timed out": STALLING,
}


@pytest.mark.parametrize("kind", STORES)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/vector_stores", {}),
        ("/v1/vector_stores/ws_1/search", {"query": ["one", "two"]}),
        ("/v1/files/7/content", {}),
    ],
)
def test_a_request_without_a_model_leaves_no_cycles(
    path: str, body: dict[str, Any], kind: str
) -> None:
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        assert runner.run(garbage(body, None, STORES[kind], path=path)) < REQUESTS


PROXIES: dict[str, Script | None] = {
    "refused": None,
    "closed": saying(b"", stays=False),
    "timed out": STALLING,
    "not allowed": saying(reply(b"", status="407 Proxy Authentication Required")),
    "not TLS behind it": saying(b"HTTP/1.1 200 OK\r\n\r\nSSH-2.0\r\n\r\n", stays=False),
}


@pytest.mark.parametrize("kind", PROXIES)
@pytest.mark.parametrize("body", [{}, STREAMED])
def test_a_request_that_a_proxy_fails_leaves_no_cycles(kind: str, body: dict[str, Any]) -> None:
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        left = runner.run(garbage(body, PROXIES[kind], None, by_proxy=True))
    assert left < REQUESTS


@pytest.mark.parametrize("body", [{}, STREAMED, SEARCHED])
def test_a_request_whose_client_goes_leaves_no_cycles(body: dict[str, Any]) -> None:
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        assert runner.run(garbage(body, SILENT, SILENT, goes=True)) < REQUESTS
