"""The event stream: when it begins, and what it says while there is nothing to say."""

from __future__ import annotations

import asyncio

from starlette.types import Message

from proxy.core.writer import CompletionWriter
from proxy.errors import Overloaded
from proxy.surfaces.streaming import EventStream
from proxy.tasks import task_scope
from tests.support.openai_stream import check_stream


class Client:
    """Takes what is sent; a test can wait for it."""

    def __init__(self) -> None:
        self.start: Message | None = None
        self.body = b""
        self.came = asyncio.Queue[bytes]()
        self.has_ended = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            assert self.start is None
            self.start = message
            await asyncio.sleep(0)
            return
        assert self.start is not None
        assert not self.has_ended
        self.body += message["body"]
        self.has_ended = not message["more_body"]
        self.came.put_nowait(message["body"])


def stream(
    client: Client, *, commit_after_s: float = 60, heartbeat_s: float = 60
) -> tuple[EventStream, CompletionWriter]:
    writer = CompletionWriter(id="chatcmpl-1", created=1, model="m", include_usage=False)
    opened = EventStream(
        client.send,
        writer,
        lambda: [(b"x-lighton-searches", b"2")],
        commit_after_s=commit_after_s,
        heartbeat_s=heartbeat_s,
    )
    return opened, writer


async def test_nothing_is_sent_before_there_is_something_to_hear() -> None:
    client = Client()
    opened, writer = stream(client)
    assert client.start is None
    assert not opened.has_begun
    await opened.hear([writer.heartbeat()])
    assert client.start is not None
    assert (b"x-lighton-searches", b"2") in client.start["headers"]


async def test_a_reply_that_is_slow_to_begin_begins_with_a_heartbeat() -> None:
    client = Client()
    opened, _ = stream(client, commit_after_s=0.001)
    async with task_scope() as start:
        _ = start(opened.keep_alive())
        first = await asyncio.wait_for(client.came.get(), 10)
    assert b'"delta":{"role":"assistant","content":""}' in first


async def test_a_silent_stream_gets_heartbeats() -> None:
    client = Client()
    opened, writer = stream(client, heartbeat_s=0.001)
    await opened.hear([writer.heartbeat()])
    async with task_scope() as start:
        _ = start(opened.keep_alive())
        for _ in range(3):
            beat = await asyncio.wait_for(client.came.get(), 10)
    assert b'"delta":{"content":""}' in beat


async def test_the_first_chunk_and_the_first_heartbeat_begin_the_reply_once() -> None:
    client = Client()
    opened, writer = stream(client, commit_after_s=0)
    async with task_scope() as start:
        _ = start(opened.keep_alive())
        await asyncio.gather(*(opened.hear([writer.heartbeat()]) for _ in range(3)))
    assert client.body.count(b"data: ") >= 3


async def test_an_error_ends_the_stream_without_done() -> None:
    client = Client()
    opened, writer = stream(client)
    await opened.hear([writer.heartbeat()])
    await opened.fail(Overloaded("Scaleway", "Scaleway is unavailable."))
    view = check_stream(client.body)
    assert view.error is not None
    assert client.has_ended


async def test_done_ends_the_stream() -> None:
    client = Client()
    opened, _ = stream(client)
    await opened.finish()
    assert client.body == b"data: [DONE]\n\n"
    assert client.has_ended
