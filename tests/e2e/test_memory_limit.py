"""The limit of what requests hold, over real sockets: who is refused, and that all is given back.

The limit is what one request of this test takes. So a request is served only if nothing is held.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest

from proxy.app import create_app
from proxy.commands.serving import door_limits, server_config
from proxy.core.inflight import BODY_COST
from proxy.settings import Settings
from tests.support.peers import always, silent
from tests.support.script import Round
from tests.support.server import serving
from tests.upstreams.raw_server import (
    PATIENCE_S,
    Connection,
    Script,
    chunk,
    chunked,
    raw_server,
    reply,
)


def body_of(*, stream: bool) -> bytes:
    asked = {"messages": [{"role": "user", "content": "Go." * 1_000}], "stream": stream}
    return orjson.dumps(asked).ljust(3_200)


BODY, STREAMED = body_of(stream=False), body_of(stream=True)
ANSWER = reply(orjson.dumps(Round("Yes.").completion()), "content-type: application/json")
REFUSED = reply(b"{}", status="400 Bad Request")


async def broken(connection: Connection) -> None:
    await connection.request()
    await connection.send(chunked(Round("Half").stream()[:-60]))


async def half_a_reply(connection: Connection) -> None:
    await connection.request()
    await connection.send(ANSWER[:-20])


class Model:
    """Plays a script on each new connection, the last one for ever."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self.is_asked = asyncio.Event()

    async def __call__(self, connection: Connection) -> None:
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        self.is_asked.set()
        await script(connection)


@asynccontextmanager
async def asking(model: Model, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with raw_server(model) as upstream:
        settings = Settings(
            scaleway_base_url=f"{upstream.url}/v1",
            scaleway_api_key="k",
            lighton_api_key="k",
            keep_warm_s=0,
            retrieval="off",
            max_inflight_bytes=len(BODY) * BODY_COST,
            **more,
        )
        config = server_config(create_app(settings), "info", limits=door_limits(settings))
        async with (
            serving(config) as url,
            httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as client,
        ):
            yield client


async def post(client: httpx.AsyncClient, body: bytes = BODY) -> httpx.Response:
    return await client.post("/v1/chat/completions", content=body)


async def test_while_one_request_holds_all_the_next_is_told_to_wait() -> None:
    model = Model(silent, always(ANSWER))
    async with asking(model) as client:
        first = asyncio.create_task(post(client))
        await asyncio.wait_for(model.is_asked.wait(), PATIENCE_S)
        refused = await post(client, b"{}")
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "overloaded"
        assert refused.headers["retry-after"] == "5"
        assert "x-should-retry" not in refused.headers
        assert (await client.get("/health")).status_code == 200
        assert not first.done()
        first.cancel()
        await asyncio.wait([first])


async def test_a_body_that_is_too_much_is_refused_as_it_comes_whatever_it_says() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield BODY
        yield b" "

    async with asking(Model(always(ANSWER))) as client:
        assert (await post(client, BODY + b" ")).status_code == 503
        answer = await client.post("/v1/chat/completions", content=parts())
        assert answer.status_code == 503
        assert (await post(client)).status_code == 200


async def goes_well(client: httpx.AsyncClient) -> None:
    assert (await post(client)).status_code == 200


async def streams(client: httpx.AsyncClient) -> None:
    assert "event-stream" in (await post(client, STREAMED)).headers["content-type"]


async def fails(client: httpx.AsyncClient) -> None:
    assert (await post(client)).status_code >= 400


async def is_not_json(client: httpx.AsyncClient) -> None:
    assert (await post(client, b"[" * len(BODY))).status_code == 400


async def hangs_up(client: httpx.AsyncClient) -> None:
    impatient = httpx.Timeout(PATIENCE_S, read=0.2)
    with pytest.raises(httpx.ReadTimeout):
        await client.post("/v1/chat/completions", content=BODY, timeout=impatient)


async def hangs_up_in_its_body(client: httpx.AsyncClient) -> None:
    url = client.base_url
    _, writer = await asyncio.open_connection(url.host, url.port)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 9999\r\n\r\n"
    writer.write(head + BODY[:-1])
    await writer.drain()
    writer.transport.abort()


async def events(connection: Connection) -> None:
    """One stream, that ends well."""
    await connection.request()
    await connection.send(chunked(Round("Yes.").stream()) + chunk(b""))


@pytest.mark.parametrize(
    ("script", "happens"),
    [
        (always(ANSWER), goes_well),
        (events, streams),
        (always(REFUSED), fails),
        (silent, fails),
        (half_a_reply, fails),
        (broken, streams),
        (always(ANSWER), is_not_json),
        (silent, hangs_up),
        (always(ANSWER), hangs_up_in_its_body),
    ],
)
async def test_whatever_becomes_of_a_request_it_gives_back_what_it_held(
    script: Script, happens: Callable[[httpx.AsyncClient], Any]
) -> None:
    times = {"round_idle_s": 0.5} if happens is fails else {}
    model = Model(script, always(ANSWER))
    async with asking(model, **times) as client:
        await happens(client)
        async with asyncio.timeout(PATIENCE_S):
            # A client may hear of the end, or have caused it, a moment before the proxy is done.
            while (await post(client)).status_code == 503:
                continue
