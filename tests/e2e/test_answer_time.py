"""The time for all of an answer, over real sockets: what clients get, and what ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from proxy.app import create_app
from proxy.settings import Settings
from tests.support.clock import LIMIT_S, Clock, idle, skipping_clock
from tests.support.peers import always, stalling
from tests.support.script import event
from tests.support.server import serving
from tests.upstreams.raw_server import (
    PATIENCE_S,
    Connection,
    RawServer,
    Script,
    chunk,
    chunked,
    raw_server,
    reply,
)
from tests.upstreams.scaleway.samples import ONE

ASKED = {"messages": [{"role": "user", "content": "How many days of leave?"}]}
MODELS = reply(b'{"data": [{"id": "llama-3.3-70b-instruct"}]}')
BUSY = b"HTTP/1.1 429 No\r\nretry-after-ms: 50\r\ncontent-length: 2\r\n\r\n{}"


def talking(clock: Clock) -> Script:
    """Say a word now and then, for ever."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(chunked())
        while not connection.is_abandoned:
            await connection.send(chunk(event(ONE)))
            await idle()
            clock.skip(LIMIT_S / 5)

    return script


@pytest.fixture
async def clock() -> AsyncIterator[Clock]:
    with skipping_clock() as made:
        yield made


async def busy(connection: Connection) -> None:
    while True:
        await connection.request()
        await connection.send(BUSY)


@asynccontextmanager
async def answering(model: str, search: str, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        scaleway_base_url=f"{model}/v1",
        scaleway_api_key="k",
        lighton_base_url=search,
        lighton_api_key="k",
        keep_warm_s=0,
        **{"answer_timeout_s": LIMIT_S, "commit_after_s": 2 * LIMIT_S, **more},
    )
    async with (
        serving(create_app(settings)) as url,
        httpx.AsyncClient(base_url=url, timeout=10 * PATIENCE_S) as client,
    ):
        yield client


async def ask(client: httpx.AsyncClient, *, stream: bool) -> httpx.Response:
    return await client.post("/v1/chat/completions", json={**ASKED, "stream": stream})


def check_time_out(answer: httpx.Response) -> None:
    assert answer.status_code == 504
    assert answer.headers["x-should-retry"] == "false"
    error = answer.json()["error"]
    assert (error["code"], error["type"]) == ("answer_timeout", "server_error")
    assert "30 seconds" in error["message"]


async def is_left(server: RawServer) -> None:
    await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_is_silent_costs_the_answer_its_time_and_no_more(
    clock: Clock, caplog: pytest.LogCaptureFixture, *, stream: bool
) -> None:
    caplog.set_level("INFO", "proxy.access")
    async with (
        raw_server(stalling(clock)) as model,
        answering(model.url, model.url, retrieval="off") as client,
    ):
        check_time_out(await ask(client, stream=stream))
        await is_left(model)
    assert "status=504" in caplog.messages[-1]
    assert "error=answer_timeout" in caplog.messages[-1]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_search_does_not_outlast_the_answer(clock: Clock, *, stream: bool) -> None:
    async with (
        raw_server(stalling(clock)) as search,
        raw_server(always(MODELS)) as model,
        answering(model.url, search.url, retrieval="context", search_timeout_s=60) as client,
    ):
        check_time_out(await ask(client, stream=stream))
        await is_left(search)


async def test_a_wait_before_a_retry_does_not_outlast_the_answer() -> None:
    times = {"answer_timeout_s": 0.2, "model_retries": 10}
    async with (
        raw_server(busy) as model,
        answering(model.url, model.url, retrieval="off", **times) as client,
    ):
        answer = await ask(client, stream=False)
    assert answer.status_code in (429, 504)  # no retry fits any more, or the last was under way


async def test_a_stream_that_has_begun_ends_with_an_error_event(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "proxy.access")
    async with (
        raw_server(talking(clock)) as model,
        answering(model.url, model.url, retrieval="off") as client,
    ):
        answer = await ask(client, stream=True)
        await is_left(model)
    assert answer.status_code == 200
    assert '"content":"one"' in answer.text
    *_, last = answer.text.rstrip().split("\n\n")
    assert '"code":"answer_timeout"' in last
    assert "[DONE]" not in answer.text
    assert "status=200" in caplog.messages[-1]
    assert "error=answer_timeout" in caplog.messages[-1]


async def test_a_stream_that_heartbeats_have_begun_ends_with_an_error_event(
    clock: Clock,
) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await idle()
        clock.skip(2)  # it begins
        await clock.run_out()
        await connection.gone()

    beats = {"commit_after_s": 1, "heartbeat_s": 1}
    async with (
        raw_server(script) as model,
        answering(model.url, model.url, retrieval="off", **beats) as client,
    ):
        answer = await ask(client, stream=True)
        await is_left(model)
    assert answer.status_code == 200
    assert '"code":"answer_timeout"' in answer.text.rstrip().split("\n\n")[-1]


async def test_a_plain_answer_of_a_model_that_talks_for_ever_is_a_time_out(clock: Clock) -> None:
    async with (
        raw_server(talking(clock)) as model,
        answering(model.url, model.url, retrieval="off") as client,
    ):
        check_time_out(await ask(client, stream=False))
        await is_left(model)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_hangs_is_named_if_its_round_ends_first(
    clock: Clock, caplog: pytest.LogCaptureFixture, *, stream: bool
) -> None:
    caplog.set_level("INFO", "proxy.access")
    times = {"answer_timeout_s": 2 * LIMIT_S, "round_idle_s": LIMIT_S}
    async with (
        raw_server(stalling(clock)) as model,
        answering(model.url, model.url, retrieval="off", **times) as client,
    ):
        answer = await ask(client, stream=stream)
        await is_left(model)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "upstream_timeout")
    assert "upstream=Scaleway cause=round_idle" in caplog.messages[-1]
