"""What a token costs, as a count that is the same on every machine: calls of Python functions.

It guards against a wrapper or a loop that slips into the way of every token: the proxy's own calls
are counted, from the connection to the model to ASGI's `send`. The failure shows them. Whoever
makes a token do more on purpose raises the limit, and says in the commit what for. A limit that has
become too high is lowered in the same way.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

import proxy
from proxy.app import create_app
from proxy.settings import Settings
from proxy.upstreams.http.endpoint import pooled_transport
from tests.support.asgi import ask
from tests.support.script import DONE, delta_event
from tests.upstreams.raw_server import Connection, chunk, chunked, raw_server

MOST_CALLS = {"chat": 15, "responses": 21}
"""For a chunk of text that arrives alone."""

PROXY = str(Path(proxy.__file__).parent)
CHAT = {"messages": [{"role": "user", "content": "Hi"}], "stream": True}
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", CHAT),
    "responses": ("/v1/responses", {"input": "Hi", "stream": True, "store": False}),
}
apis = pytest.mark.parametrize("api", ASKED)

FIRST = delta_event({"role": "assistant", "content": ""})
WORDS = [delta_event({"content": f" word{number}"}) for number in range(1_100)]
LAST = delta_event({}, "stop") + DONE

Calls = Counter[str]
"""How often each of the proxy's functions was called, by where it stands and its name."""


@contextmanager
def counting() -> Iterator[Calls]:
    calls: Calls = Counter()

    def note(frame: FrameType, what: str, _argument: object) -> None:
        code = frame.f_code
        if what == "call" and code.co_filename.startswith(PROXY):
            calls[f"{code.co_filename.removeprefix(PROXY)}: {code.co_qualname}"] += 1

    # The collector calls back, into hypothesis for one: when it runs is not the proxy's doing.
    gc.disable()
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        gc.enable()


def calls_of_a_stream(chunks: int, api: str) -> Calls:
    """The calls while a client is answered in so many chunks, each of which arrives by itself."""
    path, body = ASKED[api]

    async def run() -> Calls:
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

            with counting() as calls:
                answer = await ask(listening, path, body)
            await transport.aclose()
        said = answer.body.count(b'" word')
        assert chunks <= said <= chunks + 4  # the last events of a response repeat the whole text
        return calls

    return asyncio.run(run())


@apis
def test_a_token_costs_no_more_calls_than_it_may(api: str) -> None:
    calls_of_a_stream(1, api)  # what is made once is made here
    few, many = calls_of_a_stream(50, api), calls_of_a_stream(550, api)
    for_a_token = {name: (many[name] - few[name]) / 500 for name in many}
    total = sum(for_a_token.values())
    which = [f"{calls:.2f} {name}" for name, calls in for_a_token.items() if calls]
    assert 0 < total <= MOST_CALLS[api], "\n".join(("", *which))


@apis
def test_a_token_costs_the_same_however_many_came_before(api: str) -> None:
    calls_of_a_stream(1, api)
    counts = [calls_of_a_stream(chunks, api).total() for chunks in (10, 110, 1_000, 1_100)]
    early, late = (counts[1] - counts[0]) / 100, (counts[3] - counts[2]) / 100
    # What tasks of other tests have left behind may cost a call or two, once.
    assert early == pytest.approx(late, abs=0.2)
