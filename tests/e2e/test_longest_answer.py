"""A model that does not stop: over sockets, each word handed on at the moment it arrives."""

from __future__ import annotations

import asyncio

from proxy.app import create_app
from proxy.settings import Settings
from proxy.upstreams.http.endpoint import pooled_transport
from tests.support.asgi import ask
from tests.support.openai_assemble import assemble
from tests.support.openai_stream import check_stream
from tests.support.script import delta_event
from tests.upstreams.raw_server import PATIENCE_S, Connection, chunk, chunked, raw_server

WORD = "word "
MOST = 52
"""In the middle of the eleventh word."""


async def test_a_stream_without_end_is_cut_and_the_model_told_to_stop() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(chunked(delta_event({"role": "assistant", "content": ""})))
        for _ in range(1_000):
            await connection.send(chunk(delta_event({"content": WORD})))
            await asyncio.sleep(0)
        await connection.gone()

    async with raw_server(script) as server:
        settings = Settings(
            lighton_api_key="k",
            scaleway_api_key="k",
            scaleway_base_url=server.url,
            max_answer_chars=MOST,
        )
        transport = pooled_transport()
        body = {"messages": [{"role": "user", "content": "Hi"}], "stream": True}
        async with asyncio.timeout(PATIENCE_S):
            answer = await ask(create_app(settings, transport), document=body)
            await server.hung_up.wait()
        await transport.aclose()
    heard = assemble(check_stream(answer.body, include_usage=False).chunks)
    assert heard["content"] == (WORD * 11)[:MOST]
    assert heard["finish_reason"] == "length"
