"""What a token costs, as a count that is the same on every machine: calls of Python functions.

It guards against a wrapper or a loop that slips into the way of every token. Whoever makes a chunk
do more on purpose raises the limit, and says in the commit what for.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from types import FrameType

import httpx
import orjson

from proxy.app import create_app
from proxy.settings import Settings
from tests.support.asgi import ask

MOST_CALLS = 27
"""For a chunk that arrives alone and is read: 26 when this was written, some of them the test's."""


def event(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
    top = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + orjson.dumps({**top, "choices": [choice]}) + b"\n\n"


class Body(httpx.AsyncByteStream):
    """A stream of some chunks of text."""

    def __init__(self, chunks: int) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield event({"role": "assistant", "content": ""})
        for number in range(self._chunks):
            yield event({"content": f" word{number}"})
        yield event({}, "stop") + b"data: [DONE]\n\n"


def calls_of_a_stream(chunks: int) -> int:
    """The calls of Python functions while a client is answered in so many chunks."""

    def answer(_: httpx.Request) -> httpx.Response:
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, stream=Body(chunks))

    settings = Settings(lighton_api_key="k", scaleway_api_key="k")
    app = create_app(settings, httpx.MockTransport(answer))
    body = {"messages": [{"role": "user", "content": "Hi"}], "stream": True}
    calls = 0

    def count(_frame: FrameType, what: str, _argument: object) -> None:
        nonlocal calls
        calls += what == "call"

    async def run() -> bytes:
        return (await ask(app, document=body)).body

    sys.setprofile(count)
    try:
        heard = asyncio.run(run())
    finally:
        sys.setprofile(None)
    assert heard.count(b" word") == chunks
    return calls


def test_a_token_costs_no_more_calls_than_it_did() -> None:
    calls_of_a_stream(1)  # what is made once is made here
    few, many = calls_of_a_stream(50), calls_of_a_stream(550)
    assert (many - few) / 500 <= MOST_CALLS


def test_a_token_costs_the_same_however_many_came_before() -> None:
    calls_of_a_stream(1)
    counts = [calls_of_a_stream(chunks) for chunks in (100, 200, 1_100, 1_200)]
    assert counts[1] - counts[0] == counts[3] - counts[2]
