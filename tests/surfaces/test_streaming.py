"""The event stream: when it begins, and what it says while there is nothing to say."""

from __future__ import annotations

import asyncio

import orjson
from starlette.types import Message

from proxy.core.frames import Frame, TextChunk
from proxy.core.writer import CompletionWriter
from proxy.errors import Overloaded
from proxy.surfaces.streaming import EventStream, Patience
from proxy.tasks import task_scope
from tests.support.openai_stream import check_stream


class Client:
    """Takes what is sent; a test can wait for it."""

    def __init__(self) -> None:
        self.start: Message | None = None
        self.body = b""
        self.came = asyncio.Queue[bytes]()
        self.has_ended = False
        self.is_slow = asyncio.Event()
        self.takes_on = asyncio.Event()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            assert self.start is None
            self.start = message
            await asyncio.sleep(0)
            return
        assert self.start is not None
        assert not self.has_ended
        if self.is_slow.is_set():
            await self.takes_on.wait()
        self.body += message["body"]
        self.has_ended = not message["more_body"]
        self.came.put_nowait(message["body"])


def stream(
    client: Client, *, commit_after_s: float = 60, heartbeat_s: float = 60
) -> tuple[EventStream, CompletionWriter]:
    writer = CompletionWriter(id="chatcmpl-1", created=1, model="m", include_usage=False)
    opened = EventStream(
        client.send,
        client.send,
        writer,
        lambda: [(b"x-lighton-searches", b"2")],
        Patience(commit_after_s, heartbeat_s),
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


FRAME = Frame({"id": "x", "model": "m"}, {"index": 0})


def text(said: str) -> TextChunk:
    return TextChunk(FRAME, said, said.encode())


async def test_text_is_sent_at_once_in_its_frame() -> None:
    client = Client()
    opened, writer = stream(client)
    assert not opened.takes_text
    await opened.hear([writer.heartbeat()])
    assert opened.takes_text
    opened.hear_text(text("one"))
    opened.hear_text(text("two"))
    _, *events = [await client.came.get() for _ in range(3)]
    chunks = [orjson.loads(each.removeprefix(b"data: ")) for each in events]
    assert [each["choices"][0]["delta"] for each in chunks] == [
        {"content": "one"},
        {"content": "two"},
    ]
    assert {each["id"] for each in chunks} == {"chatcmpl-1"}


async def test_a_client_that_takes_nothing_gets_the_rest_before_what_follows() -> None:
    client = Client()
    opened, writer = stream(client)
    await opened.hear([writer.heartbeat()])
    client.is_slow.set()
    opened.hear_text(text("one"))
    assert not opened.takes_text
    hearing = asyncio.create_task(opened.hear([text("two")]))
    await asyncio.sleep(0)
    assert not hearing.done()
    assert b"one" not in client.body
    client.takes_on.set()
    await hearing
    assert client.body.index(b"one") < client.body.index(b"two")
    assert opened.takes_text
