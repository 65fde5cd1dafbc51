"""A client of Scaleway, and chunks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from proxy.core.frames import TextChunk
from proxy.core.wire import ChatRequest, Chunk
from proxy.tasks import Behind
from proxy.upstreams.http.endpoint import Endpoint, Transport
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.scaleway.client import Scaleway
from proxy.upstreams.scaleway.models import ScalewayModels
from proxy.upstreams.scaleway.replies import CREDENTIALS, NAME
from tests.upstreams.endpoints import way_over
from tests.upstreams.raw_server import PATIENCE_S

KEY = "upstream-secret"
BASE_URL = "https://scaleway.test/project/v1"
MODEL = "llama-3.3-70b-instruct"
ASKED: ChatRequest = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
STREAMED: ChatRequest = {**ASKED, "stream": True, "stream_options": {"include_usage": True}}
EVENTS = {"content-type": "text/event-stream; charset=utf-8"}


def scaleway(
    transport: Transport | httpx.AsyncBaseTransport,
    base_url: str = BASE_URL,
    *,
    idle_s: float = PATIENCE_S,
) -> Scaleway:
    endpoint = Endpoint(NAME, base_url, KEY, way_over(transport), 5)
    vendor = Vendor(NAME, CREDENTIALS, 5, KEY)
    models = ScalewayModels(endpoint, vendor, 60)
    return Scaleway(endpoint, vendor, models, frozenset({"n", "user"}), idle_s)


class Parts(httpx.AsyncByteStream):
    """A body that arrives in parts."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part


def stream_of(*parts: bytes) -> httpx.Response:
    return httpx.Response(200, headers=EVENTS, stream=Parts(parts))


def saying(text: str, **more: Any) -> Any:
    return {"model": MODEL, "choices": [{"index": 0, "delta": {"content": text}}], **more}


ONE, TWO = saying("one"), saying("two")


class Heard:
    """Keeps what is heard of a model round, in the groups it arrived in."""

    def __init__(self) -> None:
        self.groups: list[list[Chunk]] = []
        self.behind: Behind = None
        self._has_come = asyncio.Event()

    def hear(self, chunks: list[Chunk | TextChunk]) -> Behind:
        self.groups.append(list(map(whole, chunks)))
        self._has_come.set()
        return self.behind

    @property
    def chunks(self) -> list[Chunk]:
        return [each for group in self.groups for each in group]

    async def until(self, number: int) -> None:
        """Wait until that many chunks have come."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.chunks) < number:
                self._has_come.clear()
                await self._has_come.wait()


@asynccontextmanager
async def asking(
    upstream: Scaleway, heard: Heard, body: ChatRequest = STREAMED
) -> AsyncIterator[asyncio.Task[None]]:
    """A model round that has been begun, and is given up at the end of the context."""
    task = asyncio.get_running_loop().create_task(upstream.ask(body, heard.hear))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def groups(upstream: Scaleway, body: ChatRequest = STREAMED) -> list[list[Chunk]]:
    heard = Heard()
    await upstream.ask(body, heard.hear)
    return heard.groups


def whole(chunk: Chunk | TextChunk) -> Chunk:
    return chunk.whole() if isinstance(chunk, TextChunk) else chunk


async def chunks(upstream: Scaleway, body: ChatRequest = STREAMED) -> list[Chunk]:
    return [each for group in await groups(upstream, body) for each in group]
