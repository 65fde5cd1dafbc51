"""What a token costs, as a count that is the same on every machine: calls of Python functions.

It guards against a wrapper or a loop that slips into the way of every token. Whoever makes a chunk
do more on purpose raises the limit to the count that the failure shows, and says in the commit what
for. A limit that has become too high is lowered in the same way.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

import httpx
import orjson
import pytest
from starlette.types import Message, Receive, Scope, Send

import proxy
from proxy.app import create_app
from proxy.settings import Settings
from proxy.upstreams.http import pooled_transport
from tests.support.asgi import ask
from tests.upstreams.raw_server import Connection, chunk, chunked, raw_server

MOST_CALLS = 26.5
"""For a chunk that arrives alone and is read: exactly 26 by now, some of them the test's."""
MOST_CALLS_AT_ONCE = 17.5
"""For one that is handed on as it arrives, the proxy's own functions only: exactly 17 by now."""

PROXY = str(Path(proxy.__file__).parent)
BODY = {"messages": [{"role": "user", "content": "Hi"}], "stream": True}


def event(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
    top = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + orjson.dumps({**top, "choices": [choice]}) + b"\n\n"


FIRST = event({"role": "assistant", "content": ""})
WORDS = [event({"content": f" word{number}"}) for number in range(1_100)]
LAST = event({}, "stop") + b"data: [DONE]\n\n"


class Count:
    """How often Python functions were called."""

    calls = 0


@contextmanager
def counting(counts: Callable[[CodeType], bool]) -> Iterator[Count]:
    """Count calls of the functions that `counts` picks."""
    count = Count()

    def note(frame: FrameType, what: str, _argument: object) -> None:
        if what == "call" and counts(frame.f_code):
            count.calls += 1

    # The collector calls back, into hypothesis for one: when it runs is not the proxy's doing.
    gc.disable()
    sys.setprofile(note)
    try:
        yield count
    finally:
        sys.setprofile(None)
        gc.enable()


class Body(httpx.AsyncByteStream):
    """A stream of some chunks of text."""

    def __init__(self, chunks: int) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield FIRST
        for word in WORDS[: self._chunks]:
            yield word
        yield LAST


def calls_when_read(chunks: int) -> int:
    """The calls of Python functions while a client is answered in so many chunks."""

    def answer(_: httpx.Request) -> httpx.Response:
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, stream=Body(chunks))

    settings = Settings(lighton_api_key="k", scaleway_api_key="k")
    app = create_app(settings, httpx.MockTransport(answer))

    async def run() -> int:
        with counting(lambda _: True) as count:
            answer = await ask(app, document=BODY)
        assert answer.body.count(b" word") == chunks
        return count.calls

    return asyncio.run(run())


def calls_when_handed_on(chunks: int) -> int:
    """The calls of the proxy's functions when each chunk arrives by itself, over a socket."""

    async def run() -> int:
        heard = asyncio.Event()

        async def script(connection: Connection) -> None:
            await connection.request()
            await connection.send(chunked(FIRST))
            for word in WORDS[:chunks]:
                heard.clear()
                await connection.send(chunk(word))
                await heard.wait()
            await connection.send(chunk(LAST) + chunk(b""))
            await connection.gone()

        async with raw_server(script) as server:
            settings = Settings(
                lighton_api_key="k", scaleway_api_key="k", scaleway_base_url=server.url
            )
            transport = pooled_transport()
            app = create_app(settings, transport)

            async def listening(scope: Scope, receive: Receive, send: Send) -> None:
                async def tell(message: Message) -> None:
                    heard.set()
                    await send(message)

                await app(scope, receive, tell)

            with counting(lambda code: code.co_filename.startswith(PROXY)) as count:
                answer = await ask(listening, document=BODY)
            await transport.aclose()
        assert answer.body.count(b" word") == chunks
        return count.calls

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("calls_of_a_stream", "most"),
    [(calls_when_read, MOST_CALLS), (calls_when_handed_on, MOST_CALLS_AT_ONCE)],
)
def test_a_token_costs_no_more_calls_than_it_did(
    calls_of_a_stream: Callable[[int], int], most: float
) -> None:
    calls_of_a_stream(1)  # what is made once is made here
    few, many = calls_of_a_stream(50), calls_of_a_stream(550)
    assert (many - few) / 500 <= most


@pytest.mark.parametrize("calls_of_a_stream", [calls_when_read, calls_when_handed_on])
def test_a_token_costs_the_same_however_many_came_before(
    calls_of_a_stream: Callable[[int], int],
) -> None:
    calls_of_a_stream(1)
    counts = [calls_of_a_stream(chunks) for chunks in (10, 110, 1_000, 1_100)]
    early, late = (counts[1] - counts[0]) / 100, (counts[3] - counts[2]) / 100
    # What tasks of other tests have left behind may cost a call or two, once.
    assert early == pytest.approx(late, abs=0.2)
