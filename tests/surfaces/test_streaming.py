"""The event stream: when it begins, and what it says while there is nothing to say."""

from __future__ import annotations

import asyncio
import gc
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from proxy.core.chat import parse_chat
from proxy.core.frames import Frame, Hear, TextChunk
from proxy.core.hidden import Found
from proxy.core.kept import KeptTurn
from proxy.core.passages import Result
from proxy.core.plan import Policy, make_plan
from proxy.core.ports import ModelUpstream
from proxy.core.scope import Scope
from proxy.core.search_tool import Search, SearchTool
from proxy.core.sse import DONE
from proxy.core.timeline import Timeline
from proxy.core.turn import Turn
from proxy.core.wire import ChatRequest, Chunk
from proxy.core.writer import CompletionWriter
from proxy.engine import Run
from proxy.errors import Overloaded, ProxyError, ShuttingDown
from proxy.surfaces.chat import ChatStream
from proxy.surfaces.streaming import EventStream, Patience
from proxy.tasks import Behind
from proxy.upstreams.http.pool import PooledTransport
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import FENCE
from tests.support.clock import skipping_clock
from tests.support.openai_stream import check_stream
from tests.support.script import Call, Pieces, Round, search_call
from tests.support.times import untimed
from tests.support.upstreams import Upstreams
from tests.upstreams.raw_server import PATIENCE_S, Connection, chunk, chunked, raw_server
from tests.upstreams.scaleway.samples import scaleway


class Client:
    """Takes what is sent; a test can wait for it."""

    def __init__(self) -> None:
        self.start: Message | None = None
        self.body = b""
        self.came = asyncio.Queue[bytes]()
        self.sends = 0
        self.has_ended = False
        self.fault: Exception | None = None
        self.is_slow = asyncio.Event()
        self.takes_on = asyncio.Event()

    async def dawdle(self) -> None:
        """Take a while before each part, in clients that do."""

    def take_on(self) -> None:
        self.is_slow.clear()
        self.takes_on.set()

    async def send(self, message: Message) -> None:
        self.sends += 1
        if message["type"] == "http.response.start":
            assert self.start is None
            self.start = message
            await asyncio.sleep(0)
            return
        assert self.start is not None
        assert not self.has_ended
        if self.is_slow.is_set():
            await self.takes_on.wait()
        if self.fault is not None:
            raise self.fault
        await self.dawdle()
        self.body += message["body"]
        self.has_ended = not message["more_body"]
        self.came.put_nowait(message["body"])


def stream(
    client: Client,
    *,
    commit_after_s: float = 60,
    heartbeat_s: float = 60,
    of: type[ChatStream] = ChatStream,
) -> tuple[EventStream, CompletionWriter]:
    writer = CompletionWriter(id="chatcmpl-1", created=1, model="m", include_usage=False)
    opened = EventStream(
        client.send,
        of(writer),
        lambda: [(b"x-lighton-searches", b"2")],
        Patience(commit_after_s, heartbeat_s),
    )
    return opened, writer


async def taken(behind: Behind) -> None:
    """Wait until the client has taken what it was sent."""
    if behind is not None:
        await asyncio.wait_for(behind, PATIENCE_S)


async def begun(client: Client, **more: Any) -> EventStream:
    """A reply of which the client has had the beginning."""
    opened, writer = stream(client, **more)
    await taken(opened.hear([writer.heartbeat()]))
    return opened


async def test_nothing_is_sent_before_there_is_something_to_hear() -> None:
    client = Client()
    opened, writer = stream(client)
    assert client.start is None
    assert not opened.has_begun
    await taken(opened.hear([writer.heartbeat()]))
    assert client.start is not None
    assert (b"x-lighton-searches", b"2") in client.start["headers"]


async def test_the_late_headers_are_those_of_the_moment_at_which_the_reply_begins() -> None:
    client = Client()
    searches = 0
    writer = CompletionWriter(id="chatcmpl-1", created=1, model="m", include_usage=False)
    opened = EventStream(
        client.send, ChatStream(writer), lambda: [(b"searches", b"%d" % searches)], Patience(60, 60)
    )
    searches = 3
    await taken(opened.hear([writer.heartbeat()]))
    searches = 4
    await opened.finish()
    assert client.start is not None
    assert (b"searches", b"3") in client.start["headers"]


async def test_an_error_ends_the_stream_without_done() -> None:
    client = Client()
    opened = await begun(client)
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


FRAME = Frame(
    {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"},
    {"index": 0, "finish_reason": None},
)


def text(said: str) -> TextChunk:
    return TextChunk(FRAME, said, said.encode())


async def test_text_is_sent_at_once_in_its_frame() -> None:
    client = Client()
    opened = await begun(client)
    assert opened.hear([text("one")]) is None
    assert opened.hear([text("two")]) is None
    _, *events = [client.came.get_nowait() for _ in range(3)]
    chunks = [orjson.loads(each.removeprefix(b"data: ")) for each in events]
    assert [each["choices"][0]["delta"] for each in chunks] == [
        {"content": "one"},
        {"content": "two"},
    ]
    assert {each["id"] for each in chunks} == {"chatcmpl-1"}


async def test_chunks_that_arrived_together_leave_in_one_write() -> None:
    client = Client()
    opened, writer = stream(client)
    await taken(opened.hear([writer.heartbeat(), text("one"), text("two")]))
    assert client.came.get_nowait().count(b"data: ") == 3


async def test_text_of_another_frame_is_sent_in_that() -> None:
    client = Client()
    opened = await begun(client)
    top: Any = {"id": "x", "tier": "fast"}
    choice: Any = {"index": 0, "stop_reason": 7}
    other = Frame(top, choice)
    opened.hear([text("one"), TextChunk(other, "two", b"two"), text("three")])
    opened.hear([TextChunk(other, "four", b"four")])
    chunks = payloads(client.body)[1:]
    assert ["tier" in each for each in chunks] == [False, True, False, True]
    said = [each["choices"][0]["delta"]["content"] for each in chunks]
    assert said == ["one", "two", "three", "four"]


async def test_text_is_sent_as_it_was_written() -> None:
    client = Client()
    opened = await begun(client)
    written = b'\\u00e9 \\"quoted\\" \\ud83e\\udd8a \\n'
    opened.hear([TextChunk(FRAME, orjson.loads(b'"%b"' % written), written)])
    assert written in client.body
    (said,) = payloads(client.body)[1:]
    assert said["choices"][0]["delta"] == {"content": '\u00e9 "quoted" \U0001f98a \n'}


async def test_a_frame_that_holds_the_phrase_of_the_probe_is_no_trap() -> None:
    client = Client()
    opened = await begun(client)
    top: Any = {"note": "a text that no model says", "model": "m"}
    trap = Frame(top, {"index": 0})
    opened.hear([TextChunk(trap, "one", b"one")])
    (said,) = payloads(client.body)[1:]
    assert said["choices"][0]["delta"] == {"content": "one"}
    assert said["note"] == "a text that no model says"


# A client that takes nothing for a while


async def turns() -> None:
    """Let everything that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_client_that_takes_nothing_gets_the_rest_before_what_follows() -> None:
    client = Client()
    opened = await begun(client)
    client.is_slow.set()
    behind = opened.hear([text("one")])
    assert behind is not None
    later = opened.hear([text("two")])
    await turns()
    assert not behind.done()
    assert b"one" not in client.body
    client.take_on()
    await taken(later)
    assert client.body.index(b"one") < client.body.index(b"two")
    assert opened.hear([text("three")]) is None


async def test_text_that_had_to_wait_is_sent_as_soon_as_the_client_takes_it() -> None:
    client = Client()
    opened = await begun(client)
    client.is_slow.set()
    opened.hear([text("one")])
    client.take_on()
    await turns()
    assert b"one" in client.body


@pytest.mark.parametrize("is_error", [False, True])
async def test_the_end_waits_for_what_a_slow_client_has_not_taken(*, is_error: bool) -> None:
    client = Client()
    opened = await begun(client)
    client.is_slow.set()
    opened.hear([text("one")])
    error = ShuttingDown("The proxy is shutting down. Try again.")
    ending = asyncio.create_task(opened.fail(error) if is_error else opened.finish())
    await turns()
    assert not ending.done()
    client.take_on()
    await asyncio.wait_for(ending, PATIENCE_S)
    assert client.has_ended
    last = b"shutting_down" if is_error else DONE
    assert -1 < client.body.find(b'"one"') < client.body.find(last)


async def test_an_error_is_told_also_when_whoever_waited_for_a_slow_client_was_cancelled() -> None:
    client = Client()
    opened = await begun(client)
    client.is_slow.set()
    waiting = asyncio.create_task(taken(opened.hear([text("one")])))
    await turns()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    ending = asyncio.create_task(opened.fail(ShuttingDown("Try again.")))
    await turns()
    client.take_on()
    await asyncio.wait_for(ending, PATIENCE_S)
    assert b"one" in client.body
    assert check_stream(client.body).error is not None


@pytest.mark.parametrize("is_slow", [False, True])
async def test_a_fault_in_sending_text_is_told_by_what_follows(*, is_slow: bool) -> None:
    client = Client()
    opened = await begun(client)
    client.fault = ConnectionResetError("gone")
    if is_slow:
        client.is_slow.set()
    opened.hear([text("one")])
    client.take_on()
    await turns()
    client.fault = None
    with pytest.raises(ConnectionResetError):
        await taken(opened.hear([text("two")]))
    with pytest.raises(ConnectionResetError):
        await opened.finish()


async def test_cancelling_while_the_client_takes_nothing_does_not_hang() -> None:
    client = Client()
    opened = await begun(client)
    client.is_slow.set()
    opened.hear([text("one")])
    ending = asyncio.create_task(opened.finish())
    await turns()
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(ending, PATIENCE_S)


async def test_what_a_client_has_not_taken_is_given_up_with_the_stream() -> None:
    client = Client()
    opened = await begun(client)
    async with opened:
        client.is_slow.set()
        behind = opened.hear([text("one")])
        await turns()
    assert behind is not None
    client.take_on()
    await turns()
    assert behind.cancelled()
    assert b"one" not in client.body


# Heartbeats


def beats(client: Client) -> int:
    """How many heartbeats came, the first chunk not counted."""
    deltas = [each["choices"][0]["delta"] for each in payloads(client.body)[1:]]
    return deltas.count({"content": ""})


async def test_a_reply_that_is_slow_to_begin_begins_with_a_heartbeat() -> None:
    client = Client()
    with skipping_clock() as clock:
        opened, _ = stream(client, commit_after_s=10, heartbeat_s=600)
        async with opened:
            clock.skip(9)
            await turns()
            assert not opened.has_begun
            clock.skip(2)
            await turns()
            assert opened.has_begun
    assert b'"delta":{"role":"assistant","content":""}' in client.came.get_nowait()
    assert client.came.empty()


async def test_time_that_a_request_waits_for_its_turn_does_not_begin_its_reply() -> None:
    client = Client()
    with skipping_clock() as clock:
        timeline = Timeline()
        writer = CompletionWriter(id="chatcmpl-1", created=1, model="m", include_usage=False)
        opened = EventStream(
            client.send, ChatStream(writer), list, Patience(10, 600, timeline.before_first_s)
        )
        async with opened:
            clock.skip(4)
            await turns()
            wait = timeline.wait(clock.time(), is_first=True)
            for _ in range(5):
                clock.skip(20)
                await turns()
                assert not opened.has_begun
            wait.ended = clock.time()
            clock.skip(5.5)
            await turns()
            assert not opened.has_begun
            clock.skip(1)
            await turns()
            assert opened.has_begun


async def test_a_reply_that_has_begun_beats_also_while_it_waits_for_its_turn() -> None:
    client = Client()
    with skipping_clock() as clock:
        timeline = Timeline()
        writer = CompletionWriter(id="chatcmpl-1", created=1, model="m", include_usage=False)
        opened = EventStream(
            client.send, ChatStream(writer), list, Patience(60, 60, timeline.before_first_s)
        )
        await taken(opened.hear([writer.heartbeat()]))
        async with opened:
            timeline.wait(clock.time(), is_first=True)
            clock.skip(61)
            await turns()
            assert beats(client) == 1


async def test_a_silent_stream_gets_a_heartbeat_whenever_one_is_due() -> None:
    client = Client()
    with skipping_clock() as clock:
        opened = await begun(client)
        async with opened:
            for number in (1, 2, 3):
                clock.skip(59)
                await turns()
                assert beats(client) == number - 1
                clock.skip(2)
                await turns()
                assert beats(client) == number


async def test_the_first_chunk_and_the_first_heartbeat_begin_the_reply_once() -> None:
    client = Client()  # which looks that it is given one start
    with skipping_clock() as clock:
        opened, writer = stream(client, commit_after_s=10)
        async with opened:
            clock.skip(11)
            waiting = [opened.hear([writer.heartbeat()]) for _ in range(3)]
            await turns()
            for each in waiting:
                await taken(each)
    assert client.body.count(b"data: ") == 3


async def test_text_that_is_heard_keeps_heartbeats_away() -> None:
    client = Client()
    with skipping_clock() as clock:
        opened = await begun(client)
        async with opened:
            for _ in range(3):
                clock.skip(40)
                opened.hear([text("one")])
                await turns()
            deltas = [each["choices"][0]["delta"] for each in payloads(client.body)[1:]]
            assert deltas == [{"content": "one"}] * 3
            clock.skip(61)
            await turns()
            assert payloads(client.body)[-1]["choices"][0]["delta"] == {"content": ""}


async def test_no_heartbeat_waits_for_a_slow_client_however_long_it_takes() -> None:
    client = Client()
    with skipping_clock() as clock:
        opened = await begun(client)
        client.is_slow.set()
        async with opened:
            opened.hear([text("one")])
            for _ in range(3):
                clock.skip(61)
                await turns()
            client.take_on()
            await taken(opened.hear([text("two")]))
            assert beats(client) == 0
            clock.skip(61)
            await turns()
            assert beats(client) == 1
    places = [client.body.find(each) for each in (b'"one"', b'"two"')]
    assert -1 < places[0] < places[1]


async def test_text_does_not_overtake_a_heartbeat_that_a_client_has_not_taken() -> None:
    client = Client()
    with skipping_clock() as clock:
        opened = await begun(client)
        client.is_slow.set()
        async with opened:
            clock.skip(61)
            await turns()
            later = opened.hear([text("one")])
            client.take_on()
            await taken(later)
            await opened.finish()
    said = [each["choices"][0]["delta"]["content"] for each in payloads(client.body)[1:]]
    assert said == ["", "one"]


async def test_what_waits_for_a_slow_client_is_not_lost_when_the_answer_ends() -> None:
    client = Client()
    with skipping_clock() as clock:
        opened = await begun(client)
        client.is_slow.set()
        async with opened:
            opened.hear([text("one")])
            clock.skip(61)
            await turns()
            client.take_on()
            await taken(opened.hear([text("two")]))
            await opened.finish()
    chunks = payloads(client.body)
    said = [each["choices"][0]["delta"].get("content") for each in chunks]
    assert [each for each in said if each] == ["one", "two"]


async def test_no_heartbeat_comes_after_the_context() -> None:
    client = Client()
    with skipping_clock() as clock:
        opened = await begun(client)
        async with opened:
            clock.skip(61)
            await turns()
        clock.skip(200)
        await turns()
        assert beats(client) == 1


@pytest.mark.parametrize("is_slow", [False, True])
async def test_no_heartbeat_comes_after_the_closing_chunks(*, is_slow: bool) -> None:
    client = Client()
    with skipping_clock() as clock:
        opened, writer = stream(client)
        async with opened:
            if is_slow:
                client.is_slow.set()
            turn = Turn("", "stop", closing={"choices": [{"index": 0, "delta": {}}]})
            closing = opened.hear(writer.end(turn, annotations=[], extras={}))
            client.take_on()
            clock.skip(61)
            await taken(closing)
            clock.skip(200)
            await turns()
            assert client.body.count(b"data: ") == 1
            await opened.finish()
    assert client.body.endswith(DONE)


@pytest.mark.parametrize("is_error", [False, True])
async def test_no_heartbeat_comes_after_the_last_event(*, is_error: bool) -> None:
    client = Client()
    with skipping_clock() as clock:
        opened = await begun(client)
        async with opened:
            await (opened.fail(ShuttingDown("Try again.")) if is_error else opened.finish())
            sends = client.sends
            clock.skip(200)
            await turns()
            assert client.sends == sends


async def test_no_heartbeat_comes_while_a_failure_is_kept_before_it_is_told() -> None:
    kept = asyncio.Event()

    class Keeping(ChatStream):
        async def fail(self, error: ProxyError) -> bytes:
            await kept.wait()
            return await super().fail(error)

    client = Client()
    with skipping_clock() as clock:
        opened = await begun(client, of=Keeping)
        async with opened:
            ending = asyncio.create_task(opened.fail(ShuttingDown("Try again.")))
            await turns()
            clock.skip(200)
            await turns()
            assert client.sends == 2, "the head, and what began it"
            kept.set()
            await asyncio.wait_for(ending, PATIENCE_S)
    assert check_stream(client.body).error is not None


@pytest.mark.parametrize("is_slow", [False, True])
async def test_a_heartbeat_that_fails_is_the_last_and_is_told_by_what_follows(
    *, is_slow: bool
) -> None:
    client = Client()
    logged = listen()
    with skipping_clock() as clock:
        opened = await begun(client)
        if is_slow:
            client.is_slow.set()
        async with opened:
            client.fault = ConnectionResetError("gone")
            clock.skip(61)
            await turns()
            client.take_on()
            await turns()
            client.fault = None
            clock.skip(200)
            await turns()
            assert beats(client) == 0
            with pytest.raises(ConnectionResetError):
                await taken(opened.hear([text("one")]))
            with pytest.raises(ConnectionResetError):
                await opened.finish()
    del opened, client
    gc.collect()
    await turns()
    assert logged == []


def listen() -> list[dict[str, Any]]:
    """What the event loop would log: faults that nobody has heard of."""
    logged: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: logged.append(fault))
    return logged


# The whole way: what a client hears is the same whether text goes in frames or is read and written


def payloads(body: bytes) -> list[Any]:
    events = body.removesuffix(b"\n\n").split(b"\n\n")
    data = [each.removeprefix(b"data: ") for each in events]
    return [orjson.loads(each) for each in data if each != b"[DONE]"]


class Dawdler(Client):
    """Takes what is sent now at once, now after some turns of the event loop."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random
        self.hears = asyncio.Event()

    async def dawdle(self) -> None:
        self.hears.set()
        for _ in range(self._random.choice((0, 0, 0, 0, 0, 0, 1, 12))):
            await asyncio.sleep(0)


CERTIFICATES = ssl.create_default_context()
"""Made once: it takes longer than an answer."""


class Searcher:
    name = "LightOn"

    async def search(self, search: Search, scope: Scope) -> Found:  # noqa: ARG002  # the protocol
        found = Result(
            "c1", "Leave is 27 days.", 0.9, 7, "Handbook", "h.pdf", "https://docs.test/h"
        )
        return Found((found,))


class NoTurns:
    async def recall(self, handles: Sequence[str]) -> Mapping[str, KeptTurn]:  # noqa: ARG002
        return {}

    async def keep(self, handle: str, turn: KeptTurn) -> None:
        """Keep nothing."""


@dataclass
class InFull:
    """A model whose chunks are all read in full: none is text in a frame."""

    inner: ModelUpstream
    name: str = "Scaleway"
    moved_to: str = ""

    async def require(self, model: str) -> None:
        await self.inner.require(model)

    async def ask(self, body: ChatRequest, hear: Hear) -> None:
        def hear_whole(chunks: list[Chunk | TextChunk]) -> Behind:
            return hear([each.whole() if isinstance(each, TextChunk) else each for each in chunks])

        await self.inner.ask(body, hear_whole)


def a_run(model: ModelUpstream) -> Run:
    tools = [{"type": "function", "function": {"name": "get_weather"}}]
    asked = {"messages": [{"role": "user", "content": "Hi"}], "stream": True, "tools": tools}
    chat = parse_chat(asked, WISHES)
    plan = make_plan(chat, Policy("m", LightOnScope()), chat.wish, (SearchTool(Searcher()),), FENCE)
    writer = CompletionWriter(id="chatcmpl-" + "a" * 32, created=1, model="m", include_usage=False)
    return Run(plan, model, NoTurns(), writer)


async def heard_of(model: ModelUpstream, client: Client) -> list[Any]:
    """What a client hears of an answer, event by event."""
    run = a_run(model)
    async with EventStream(client.send, ChatStream(run.writer), list, Patience(60, 60)) as opened:
        await run.drive(opened)
        await opened.finish()
    check_stream(client.body)
    assert client.has_ended
    heard = payloads(client.body)
    for each in heard:
        if "lighton" in each:
            each["lighton"] = untimed(each["lighton"])
    return heard


async def plainly(rounds: list[Round], pieces: Pieces) -> tuple[list[Any], list[Any]]:
    """What a client hears, and the requests that the model gets."""
    upstreams = Upstreams(rounds, pieces=pieces)
    model = InFull(scaleway(upstreams.transport()))
    return await heard_of(model, Client()), upstreams.asked


async def over_sockets(
    rounds: list[Round], pieces: Pieces, random: Random, *, in_full: bool
) -> tuple[list[Any], list[Any]]:
    """The same, where each part of the answer arrives for itself."""
    played = iter(rounds)
    asked: list[Any] = []
    client = Dawdler(random)

    async def script(connection: Connection) -> None:
        while True:
            _, _, body = (await connection.request()).partition(b"\r\n\r\n")
            asked.append(orjson.loads(body))
            await connection.send(chunked())
            round_ = next(played)
            is_plain = not set("[{【<`~\\:") & set(round_.text)
            for part in cut(round_.stream(pieces), random):
                client.hears.clear()
                await connection.send(chunk(part))
                if is_plain and says_something(part) and random.random() < 0.8:
                    await client.hears.wait()
            await connection.send(chunk(b""))

    async with raw_server(script) as server:
        upstream = scaleway(PooledTransport(CERTIFICATES), server.url)
        heard = await heard_of(InFull(upstream) if in_full else upstream, client)
        await upstream.endpoint.aclose()
        return heard, asked


def says_something(part: bytes) -> bool:
    """Whether it is one event, whole, that the client hears of at once."""
    is_one_event = part.startswith(b"data: ") and part.find(b"\n\n") == len(part) - 2
    if not is_one_event or part == DONE:
        return False
    (choice,) = orjson.loads(part.removeprefix(b"data: "))["choices"] or [{"delta": {}}]
    text = choice["delta"].get("content") or ""
    # All other text may be held: it could be a marker, a link, a call or the begin of one.
    return text[-1:] in set("aeiouy.é") or bool(choice["delta"].get("reasoning"))


def cut(data: bytes, random: Random) -> list[bytes]:
    """Events, mostly one by one; now and then two together, or one in two parts."""
    parts: list[bytes] = []
    for event in data.split(b"\n\n")[:-1]:
        whole = event + b"\n\n"
        match random.randrange(8):
            case 0:
                place = random.randrange(1, len(whole))
                parts += [whole[:place], whole[place:]]
            case 1 if parts:
                parts[-1] += whole
            case _:
                parts.append(whole)
    return parts


said = st.text(max_size=12) | st.sampled_from(
    [
        "It is 27 days of leave in each year [1].",
        'say "hi" \\ and\n\n  bye',
        "\u2028\x7f\U0001f98a",
        'content","x":"',
        "a\r\nb",
        "[1] and 【1】",
    ]
)
last_rounds = st.builds(
    Round,
    text=said,
    reasoning=said,
    calls=st.sampled_from([(), (), (Call("get_weather", '{"city": "Paris"}'),)]),
    finish_reason=st.sampled_from(["stop", "length"]),
)
searching_rounds = st.builds(
    Round,
    text=said,
    reasoning=said,
    calls=st.just((search_call("leave"),)),
    finish_reason=st.just("tool_calls"),
)


@given(
    st.lists(searching_rounds, max_size=2),
    last_rounds,
    st.integers(1, 3),
    st.integers(0, 2**32).map(Random),  # hypothesis' own would raise in a callback
)
def test_a_client_hears_the_same_whether_text_goes_in_frames_or_is_read_in_full(
    searching: list[Round], last: Round, size: int, random: Random
) -> None:
    rounds = [*searching, last, Round("End.")]  # it may be asked once more

    def pieces(text: str) -> list[str]:
        return [text[place : place + size] for place in range(0, len(text), size)]

    expected = asyncio.run(plainly(rounds, pieces))
    for in_full in (False, True):
        found = asyncio.run(over_sockets(rounds, pieces, random, in_full=in_full))
        assert found == expected


class FramesOnly:
    """A model whose text comes in a frame from the first word on."""

    name = "Scaleway"
    moved_to = ""

    def __init__(self, *rounds: Round) -> None:
        self._rounds = iter(rounds)

    async def require(self, model: str) -> None:
        """Every model answers."""

    async def ask(self, body: ChatRequest, hear: Hear) -> None:  # noqa: ARG002  # the protocol
        for each in next(self._rounds).chunks():
            said = each["choices"] and each["choices"][0]["delta"].get("content")
            await taken(hear([text(said) if said else each]))


@pytest.mark.parametrize("in_full", [False, True])
async def test_text_in_a_frame_begins_an_answer_and_is_set_off_as_any(*, in_full: bool) -> None:
    first = Round("Let me see.", calls=(search_call("leave"),), finish_reason="tool_calls")
    model = FramesOnly(first, Round("It is 27."))
    heard = await heard_of(InFull(model) if in_full else model, Client())
    deltas = [each["choices"][0]["delta"] for each in heard]
    assert deltas[0] == {"role": "assistant", "content": "Let me see."}
    assert {"content": "\n\nIt is 27."} in deltas
