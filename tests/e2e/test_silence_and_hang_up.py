"""What a client hears while upstreams are silent, and what ends when it hangs up: real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from proxy.app import create_app
from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from proxy.sandbox.faults import Faults
from proxy.settings import Settings
from tests.support.server import serving

PATIENCE_S = 60
DOCUMENTS = Path(__file__).parent / "documents"

Upstream = Literal["lighton", "scaleway"]
Api = Literal["chat/completions", "responses"]
apis = pytest.mark.parametrize("api", ["chat/completions", "responses"])
TEXT: dict[Api, bytes] = {"chat/completions": b'"content":', "responses": b'"delta":"'}
"""What a stream holds once the model has said something."""


@asynccontextmanager
async def proxy_with(faults: Faults, **more: Any) -> AsyncIterator[str]:
    sandbox = create_sandbox(load_corpus(DOCUMENTS), faults=faults)
    async with serving(sandbox) as upstream:
        settings = Settings(
            lighton_base_url=upstream,
            lighton_api_key="k",
            scaleway_base_url=f"{upstream}/v1",
            scaleway_api_key="k",
            keep_warm_s=0,
            **more,
        )
        async with serving(create_app(settings)) as url:
            yield url


async def ask(
    url: str, body: dict[str, object], api: Api = "chat/completions"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request by hand, so that the connection can be dropped at any moment."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    messages = [{"role": "user", "content": "Days of leave?"}]
    content = json.dumps({"input" if api == "responses" else "messages": messages, **body})
    head = f"POST /v1/{api} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}"
    writer.write(f"{head}\r\n\r\n{content}".encode())
    return reader, writer


async def saw(faults: Faults, upstream: Upstream, outcome: str) -> bool:
    """Whether a request to an upstream comes to the given outcome."""
    return await asyncio.to_thread(
        faults.requests.wait_for,
        lambda requests: (
            (upstream, outcome) in [(each.upstream, each.outcome) for each in requests]
        ),
        timeout_s=PATIENCE_S,
    )


@apis
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("upstream", ["scaleway", "lighton"])
async def test_a_silent_upstream_request_ends_with_its_client(
    upstream: Upstream, api: Api, *, stream: bool
) -> None:
    faults = Faults()
    faults.add(upstream, hang=True)
    async with proxy_with(faults) as url:
        _, writer = await ask(url, {"stream": stream}, api)
        assert await saw(faults, upstream, "open")
        writer.transport.abort()
        assert await saw(faults, upstream, "hung_up")


@apis
async def test_a_streaming_model_ends_with_its_client(api: Api) -> None:
    faults = Faults()
    faults.add("scaleway", after_chunks=5, hang=True)
    async with proxy_with(faults) as url:
        reader, writer = await ask(url, {"stream": True, "lighton": {"retrieval": "context"}}, api)
        await asyncio.wait_for(reader.readuntil(TEXT[api]), PATIENCE_S)
        assert await saw(faults, "scaleway", "open")
        writer.transport.abort()
        assert await saw(faults, "scaleway", "hung_up")


async def test_a_stream_arrives_while_the_model_still_writes() -> None:
    faults = Faults()
    faults.add("scaleway", after_chunks=5, hang=True)
    async with proxy_with(faults) as url:
        reader, writer = await ask(url, {"stream": True, "lighton": {"retrieval": "context"}})
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
        first = await asyncio.wait_for(reader.readuntil(b"\n\n"), PATIENCE_S)
        assert b" 200 " in head
        assert b'"role":"assistant"' in first
        assert await saw(faults, "scaleway", "open")
        writer.transport.abort()


async def test_a_stream_whose_model_is_silent_begins_with_a_heartbeat() -> None:
    faults = Faults()
    faults.add("scaleway", hang=True)
    async with proxy_with(faults, commit_after_s=0.01, heartbeat_s=0.01) as url:
        reader, writer = await ask(url, {"stream": True})
        for _ in range(3):
            beat = await asyncio.wait_for(reader.readuntil(b"\n\n"), PATIENCE_S)
            assert b'"content":""' in beat
        writer.transport.abort()
        assert await saw(faults, "scaleway", "hung_up")


async def test_a_stream_that_a_shutdown_cuts_off_ends_with_an_error_event() -> None:
    faults = Faults()
    faults.add("scaleway", after_chunks=5, hang=True)
    async with proxy_with(faults) as url:
        reader, writer = await ask(url, {"stream": True, "lighton": {"retrieval": "context"}})
        await asyncio.wait_for(reader.readuntil(b'"content":'), PATIENCE_S)
        reading = asyncio.create_task(reader.read())
    rest = await asyncio.wait_for(reading, PATIENCE_S)
    writer.close()
    assert b'"code":"shutting_down"' in rest
    assert b"[DONE]" not in rest


async def test_a_response_whose_model_is_silent_begins_with_what_it_is_and_goes_on_with_beats() -> (
    None
):
    faults = Faults()
    faults.add("scaleway", hang=True)
    async with proxy_with(faults, commit_after_s=0.01, heartbeat_s=0.01) as url:
        reader, writer = await ask(url, {"stream": True}, "responses")
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
        for number, kind in enumerate(["created", *["in_progress"] * 3]):
            told = await asyncio.wait_for(reader.readuntil(b"\n\n"), PATIENCE_S)
            assert f"event: response.{kind}\n".encode() in told
            assert b'"sequence_number":%d,' % number in told
        writer.transport.abort()
        assert await saw(faults, "scaleway", "hung_up")


async def test_a_response_that_a_shutdown_cuts_off_has_failed() -> None:
    faults = Faults()
    faults.add("scaleway", after_chunks=5, hang=True)
    async with proxy_with(faults) as url:
        asked = {"stream": True, "lighton": {"retrieval": "context"}}
        reader, writer = await ask(url, asked, "responses")
        await asyncio.wait_for(reader.readuntil(TEXT["responses"]), PATIENCE_S)
        reading = asyncio.create_task(reader.read())
    rest = await asyncio.wait_for(reading, PATIENCE_S)
    writer.close()
    assert rest.count(b"event: response.failed\n") == 1
    assert b"event: response.completed" not in rest
