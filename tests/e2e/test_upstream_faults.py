"""What clients and the log are told when an upstream fails, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest

from proxy.app import create_app
from proxy.settings import Settings
from tests.support.clock import LIMIT_S
from tests.support.peers import always, once, refusing, unreachable
from tests.support.script import event
from tests.support.server import serving
from tests.upstreams.raw_server import PATIENCE_S, Connection, chunk, chunked, raw_server, reply
from tests.upstreams.scaleway.samples import ONE

CHOICE = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}
ASKED = {"messages": [{"role": "user", "content": "hello"}]}
ANSWER = reply(orjson.dumps({"model": "m", "choices": [CHOICE]}))
SECRET = "a-key-of-the-proxy"


@asynccontextmanager
async def client(model: str, search: str, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        scaleway_base_url=f"{model}/v1",
        scaleway_api_key=SECRET,
        lighton_base_url=search,
        lighton_api_key=SECRET,
        keep_warm_s=0,
        connect_timeout_s=LIMIT_S,
        **more,
    )
    async with (
        serving(create_app(settings)) as url,
        httpx.AsyncClient(base_url=url, timeout=10 * PATIENCE_S) as asking,
    ):
        yield asking


@pytest.mark.parametrize("stream", [False, True])
async def test_a_connection_that_is_not_made_in_time_is_a_real_504(
    caplog: pytest.LogCaptureFixture, *, stream: bool
) -> None:
    caplog.set_level("INFO", "proxy.access")
    # A stream begins by itself after longer than one attempt takes, and sooner than two would.
    times = {"commit_after_s": 1.9 * LIMIT_S, "model_retries": 0}
    body = {**ASKED, "stream": stream}
    with unreachable() as model:
        async with client(model, refusing(), retrieval="off", **times) as asking:
            answer = await asking.post("/v1/chat/completions", json=body)
    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "upstream_timeout"
    assert "upstream=Scaleway cause=connect_timeout" in caplog.messages[-1]


async def test_a_search_that_failed_is_told_with_its_cause_beside_the_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "proxy.access")
    async with (
        raw_server(always(ANSWER)) as model,
        client(model.url, refusing(), retrieval="context") as asking,
    ):
        answer = (await asking.post("/v1/chat/completions", json=ASKED)).json()
    [search] = answer["lighton"]["searches"]
    assert search["error"] == (
        "LightOn could not be reached: the connection was refused. Try again later."
    )
    assert "failed_searches=1 cause=refused" in caplog.messages[-1]


async def test_the_log_has_the_upstreams_words_without_the_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    said = orjson.dumps({"message": f"Too many\nrequests with {SECRET}."})
    full = once(reply(said, status="429 Too Many Requests"), then=Connection.gone)
    caplog.set_level("INFO", "proxy.access")
    async with (
        raw_server(full) as model,
        client(model.url, refusing(), retrieval="off", model_retries=0) as asking,
    ):
        answer = await asking.post("/v1/chat/completions", json=ASKED)
    assert answer.status_code == 429
    told = 'upstream=Scaleway cause=status_429 said="Too many requests with [key]."'
    assert told in caplog.messages[-1]
    assert SECRET not in caplog.text + answer.text


async def test_a_stream_that_breaks_off_is_told_of_its_upstream(
    caplog: pytest.LogCaptureFixture,
) -> None:
    short = once(chunked(event(ONE)) + chunk(b""), then=Connection.gone)
    caplog.set_level("INFO", "proxy.access")
    async with raw_server(short) as model, client(model.url, refusing(), retrieval="off") as asking:
        answer = await asking.post("/v1/chat/completions", json={**ASKED, "stream": True})
    assert "Scaleway's reply broke off" in answer.text
    assert "upstream=Scaleway cause=broke_off" in caplog.messages[-1]
