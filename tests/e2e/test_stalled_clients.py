"""Clients that do not read, over real sockets with small buffers: what they hold ends in time."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from proxy.app import create_app
from proxy.commands.serving import door_limits, server_config
from proxy.settings import Settings
from tests.support.clock import LIMIT_S, skipping_clock
from tests.support.script import DONE, delta_event
from tests.support.server import serving
from tests.upstreams.raw_server import PATIENCE_S, Connection, chunk, chunked, raw_server, reply

TEXT = "x" * 20_000
SMALL = 4_096
STALL_S = 0.3


class Model:
    """Streams as much as it is let, or answers with a long text."""

    def __init__(self, events: int = 2_000) -> None:
        self.events = events
        self.is_gone = asyncio.Event()

    async def __call__(self, connection: Connection) -> None:
        try:
            while True:
                await self._answer(connection)
        finally:
            self.is_gone.set()

    async def _answer(self, connection: Connection) -> None:
        _, _, body = (await connection.request()).partition(b"\r\n\r\n")
        if not orjson.loads(body).get("stream"):
            message = {"role": "assistant", "content": TEXT * 400}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            await connection.send(reply(orjson.dumps({"model": "m", "choices": [choice]})))
            return
        await connection.send(chunked())
        for _ in range(self.events):
            await connection.send(chunk(delta_event({"content": TEXT})))
        await connection.send(chunk(delta_event({}, "stop") + DONE) + chunk(b""))


@asynccontextmanager
async def proxied(model: Model, **more: Any) -> AsyncIterator[str]:
    async with raw_server(model) as upstream:
        settings = Settings(
            scaleway_base_url=f"{upstream.url}/v1",
            scaleway_api_key="k",
            lighton_api_key="k",
            keep_warm_s=0,
            retrieval="off",
            max_answer_chars=10**9,
            **{"client_stall_s": STALL_S, **more},
        )
        config = server_config(create_app(settings), "info", limits=door_limits(settings))
        async with serving(config) as url:
            yield url


def asking(url: str, *, stream: bool, headers: str = "") -> socket.socket:
    """A client with a small buffer that has asked, and reads only what the test reads."""
    host, port = url.removeprefix("http://").split(":")
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    client.connect((host, int(port)))
    body = json.dumps({"messages": [{"role": "user", "content": "Go."}], "stream": stream})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n{headers}"
    client.sendall(f"{head}content-length: {len(body)}\r\n\r\n{body}".encode())
    client.setblocking(False)  # noqa: FBT003 - the name of the setting is the function's
    return client


async def read(client: socket.socket, size: int = 65_536) -> bytes:
    reading = asyncio.get_running_loop().sock_recv(client, size)
    return await asyncio.wait_for(reading, PATIENCE_S)


async def to_the_end(client: socket.socket) -> bytes:
    """All that still comes before the reset: what the system held for the client is dropped."""
    parts: list[bytes] = []
    try:
        while part := await read(client):
            parts.append(part)
    except ConnectionResetError:
        return b"".join(parts)
    raise AssertionError("it ended in good order")


class Lines(logging.Handler):
    """The lines of the access log."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._has_come = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())
        self._has_come.set()

    async def with_words(self, *words: str) -> str:
        """The first line with all of these words, as soon as there is one."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for line in self._lines:
                    if all(word in line for word in words):
                        return line
                self._has_come.clear()
                await self._has_come.wait()


@pytest.fixture
def lines() -> Iterator[Lines]:
    log, handler = logging.getLogger("proxy.access"), Lines()
    level = log.level
    log.setLevel("INFO")
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)
    log.setLevel(level)


async def test_a_stream_that_nobody_reads_ends_and_its_model_with_it(
    lines: Lines,
) -> None:
    model = Model()
    async with proxied(model) as url:
        client = asking(url, stream=True)
        await asyncio.wait_for(model.is_gone.wait(), PATIENCE_S)
        line = await lines.with_words("POST /v1/chat")
        assert "status=200" in line
        assert line.endswith("client=stalled")
        assert b"[DONE]" not in await to_the_end(client)
        client.close()


@pytest.mark.parametrize("headers", ["", "connection: close\r\n"])
async def test_a_plain_reply_that_nobody_reads_is_cut_off(lines: Lines, headers: str) -> None:
    async with proxied(Model()) as url:
        client = asking(url, stream=False, headers=headers)
        assert "client=stalled from=127.0.0.1" in await lines.with_words("cut ")
        assert len(await to_the_end(client)) < len(TEXT) * 400
        client.close()


async def test_the_end_of_a_stream_that_nobody_reads_is_cut_off(
    lines: Lines,
) -> None:
    model = Model(events=170)  # more than the sockets hold, if only a little
    async with proxied(model) as url:
        client = asking(url, stream=True)
        await lines.with_words("client=stalled")
        client.close()


async def test_a_client_that_reads_slowly_hears_all(lines: Lines) -> None:
    with skipping_clock() as clock:
        async with proxied(Model(events=400), client_stall_s=LIMIT_S) as url:
            client = asking(url, stream=True)
            heard = b""
            for _ in range(30):  # longer than a stall may last
                heard += await read(client, 20_000)
                await asyncio.sleep(0.02)  # the system tells the other end of what was read
                clock.skip(LIMIT_S / 12)
            heard += await until_closed(client)
            client.close()
            assert heard.count(b'"content":"x') == 400
            assert "client=" not in await lines.with_words("POST /v1/chat")


async def test_an_answer_whose_client_reads_too_slowly_ends_when_its_time_is_over(
    lines: Lines,
) -> None:
    model = Model()
    times = {"client_stall_s": 2 * PATIENCE_S, "answer_timeout_s": LIMIT_S}
    with skipping_clock() as clock:
        async with proxied(model, **times) as url:
            client = asking(url, stream=True)
            assert (await read(client, 12)) == b"HTTP/1.1 200"
            await clock.run_out()
            await asyncio.wait_for(model.is_gone.wait(), PATIENCE_S)
            assert b'"code":"answer_timeout"' in (await until_closed(client))[-2_000:]
            assert "error=answer_timeout" in await lines.with_words("POST /v1/chat")
            client.close()


async def until_closed(client: socket.socket) -> bytes:
    heard = b""
    while b"0\r\n\r\n" not in heard[-50:]:
        part = await read(client)
        assert part, "it was cut off"
        heard += part
    return heard
