"""One model round over real sockets: what becomes of its connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest

from proxy.core.wire import Chunk
from proxy.errors import Unreachable, UpstreamError, UpstreamRejected, UpstreamTimeout
from proxy.upstreams.http.endpoint import pooled_transport
from proxy.upstreams.scaleway.client import Scaleway
from tests.support.clock import LIMIT_S, Clock, skipping_clock
from tests.support.peers import stalling
from tests.support.script import DONE, event
from tests.upstreams.raw_server import (
    PATIENCE_S,
    Connection,
    Script,
    chunk,
    chunked,
    raw_server,
    reply,
)
from tests.upstreams.scaleway.samples import (
    ASKED,
    MODEL,
    ONE,
    STREAMED,
    TWO,
    Heard,
    asking,
    chunks,
    scaleway,
)


@asynccontextmanager
async def connected(url: str, *, idle_s: float = PATIENCE_S) -> AsyncIterator[Scaleway]:
    upstream = scaleway(pooled_transport(), url, idle_s=idle_s)
    try:
        yield upstream
    finally:
        await upstream.endpoint.aclose()


def streaming(*parts: bytes, then: Script | None = None) -> Script:
    """A server that answers with parts of a stream and, unless it does something, ends it."""

    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(chunked(*parts))
            if then is not None:
                await then(connection)
                return
            await connection.send(chunk(b""))

    return script


async def test_chunks_are_heard_while_the_round_still_streams() -> None:
    heard = asyncio.Event()

    async def then(connection: Connection) -> None:
        await heard.wait()
        await connection.send(chunk(event(TWO) + DONE) + chunk(b""))

    said = Heard()
    async with (
        raw_server(streaming(event(ONE), then=then)) as server,
        connected(server.url) as upstream,
        asking(upstream, said) as task,
    ):
        await said.until(1)
        assert said.groups == [[ONE]]
        heard.set()
        await task
        assert said.groups == [[ONE], [TWO]]


async def test_after_done_the_connection_is_used_again() -> None:
    async with raw_server(streaming(event(ONE), DONE)) as server:
        async with connected(server.url) as upstream:
            for _ in range(3):
                assert await chunks(upstream) == [ONE]
        assert server.connections == 1


async def test_a_connection_that_stays_open_after_done_is_given_up() -> None:
    script = streaming(event(ONE), DONE, then=Connection.gone)
    async with raw_server(script) as server, connected(server.url) as upstream:
        assert await chunks(upstream) == [ONE]
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


async def test_a_connection_that_breaks_after_done_does_no_harm() -> None:
    async def then(connection: Connection) -> None:
        connection.reset()

    script = streaming(event(ONE), DONE, then=then)
    async with raw_server(script) as server, connected(server.url) as upstream:
        assert await chunks(upstream) == [ONE]


async def test_cancelling_whoever_listens_closes_the_connection() -> None:
    script = streaming(event(ONE), then=Connection.gone)
    heard = Heard()
    async with (
        raw_server(script) as server,
        connected(server.url) as upstream,
        asking(upstream, heard) as listening,
    ):
        await heard.until(1)
        assert heard.groups == [[ONE]]
        listening.cancel()
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)
        with pytest.raises(asyncio.CancelledError):
            await listening


async def test_a_hearer_that_objects_closes_the_connection() -> None:
    def hear(_: object) -> None:
        raise LookupError("enough")

    script = streaming(event(ONE), then=Connection.gone)
    async with raw_server(script) as server, connected(server.url) as upstream:
        with pytest.raises(LookupError, match="enough"):
            await upstream.ask(STREAMED, hear)
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


async def test_a_hearer_that_objects_to_the_last_of_an_answer_is_heard_all_the_same() -> None:
    def hear(_: object) -> None:
        raise LookupError("enough")

    script = streaming(event(ENDED), event(USAGE), DONE)
    async with raw_server(script) as server, connected(server.url) as upstream:
        with pytest.raises(LookupError, match="enough"):
            await upstream.ask(STREAMED, hear)


async def test_an_error_in_a_stream_closes_its_connection() -> None:
    script = streaming(event({"error": {"message": "no"}}), then=Connection.gone)
    async with raw_server(script) as server, connected(server.url) as upstream:
        with pytest.raises(UpstreamError):
            await chunks(upstream)
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


async def test_a_stream_that_breaks_is_unreachable_and_not_begun_again() -> None:
    async def then(connection: Connection) -> None:
        connection.reset()

    async with raw_server(streaming(event(ONE), then=then)) as server:
        async with connected(server.url) as upstream:
            with pytest.raises(Unreachable):
                await chunks(upstream)
        assert server.connections == 1


async def test_a_stream_that_stalls_is_a_time_out() -> None:
    with skipping_clock() as clock:
        script = stalling(clock, chunked(event(ONE)))
        async with raw_server(script) as server, connected(server.url, idle_s=LIMIT_S) as upstream:
            heard = Heard()
            with pytest.raises(
                UpstreamTimeout, match="nothing of its answer for 30 seconds"
            ) as told:
                await upstream.ask(STREAMED, heard.hear)
            assert (told.value.cause, told.value.is_refused) == ("round_idle", False)
            assert heard.groups == [[ONE]]
            await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


ROLE = event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
COMPLETION = {"model": MODEL, "choices": [{"index": 0, "message": {"content": "one"}}]}
HEAD = chunked()


@pytest.mark.parametrize(
    ("said", "drip"),
    [
        (HEAD[:20], b"x"),
        (HEAD, chunk(b": still here\n\n")),
        (HEAD, chunk(ROLE)),
        (HEAD, chunk(b"data: {")),
        (HEAD + b"5;", b"x"),
        (HEAD + chunk(event(ONE)), chunk(b": still here\n\n")),
        (chunked(content_type="application/json"), chunk(b" ")),
    ],
    ids=["head", "comments", "empty chunks", "half events", "framing", "after a word", "plain"],
)
async def test_a_model_that_drips_ends_as_one_that_is_silent(said: bytes, drip: bytes) -> None:
    go_on = asyncio.Queue[None]()
    has_begun = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(said)
        has_begun.set()
        while True:
            await go_on.get()
            await connection.send(drip)

    with skipping_clock() as clock:
        async with (
            raw_server(script) as server,
            connected(server.url, idle_s=60) as upstream,
            asking(upstream, Heard()) as task,
        ):
            await asyncio.wait_for(has_begun.wait(), PATIENCE_S)
            for _ in range(5):
                await looked_at(clock, skip=11)
                go_on.put_nowait(None)
            await looked_at(clock, skip=0)
            assert not task.done()
            await looked_at(clock, skip=11)
            with pytest.raises(UpstreamTimeout) as told:
                await asyncio.wait_for(task, PATIENCE_S)
            assert told.value.cause == "round_idle"


async def test_a_model_that_says_a_word_in_time_may_take_any_time() -> None:
    go_on = asyncio.Queue[bytes]()

    async def then(connection: Connection) -> None:
        while True:
            await connection.send(chunk(await go_on.get()))

    with skipping_clock() as clock:
        async with (
            raw_server(streaming(event(ONE), then=then)) as server,
            connected(server.url, idle_s=60) as upstream,
        ):
            said = Heard()
            async with asking(upstream, said) as task:
                for number in range(1, 5):
                    await said.until(number)
                    await looked_at(clock, skip=50)
                    go_on.put_nowait(event(TWO))
                await said.until(5)
                go_on.put_nowait(event(ENDED) + DONE)
                go_on.put_nowait(b"")
                await asyncio.wait_for(task, PATIENCE_S)


async def test_time_while_the_hearer_is_behind_is_not_the_models() -> None:
    go_on = asyncio.Queue[bytes]()

    async def then(connection: Connection) -> None:
        while True:
            await connection.send(chunk(await go_on.get()))

    with skipping_clock() as clock:
        async with (
            raw_server(streaming(event(ONE), then=then)) as server,
            connected(server.url, idle_s=60) as upstream,
        ):
            said = Heard()
            behind = said.behind = asyncio.get_running_loop().create_future()
            async with asking(upstream, said) as task:
                await said.until(1)
                await looked_at(clock, skip=1_000)
                said.behind = None
                behind.set_result(None)
                go_on.put_nowait(b": still here\n\n")
                await looked_at(clock, skip=50)
                go_on.put_nowait(event(TWO))
                await said.until(2)
                assert not task.done()


async def test_a_connection_whose_error_was_read_is_used_again() -> None:
    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(reply(b'{"message": "no"}', status="400 Bad Request"))

    async with raw_server(script) as server, connected(server.url) as upstream:
        for _ in range(2):
            with pytest.raises(UpstreamRejected):
                await chunks(upstream)
        assert server.connections == 1


# An answer that is complete stays so

ENDED = {**TWO, "choices": [{**TWO["choices"][0], "finish_reason": "stop"}]}
USAGE = {"model": MODEL, "choices": [], "usage": {"total_tokens": 3}}
FAULT = {"error": {"message": "no"}}


async def resetting(connection: Connection) -> None:
    connection.reset()


async def closing(connection: Connection) -> None:
    """Close, though the reply has not ended."""


@pytest.mark.parametrize("then", [resetting, closing])
@pytest.mark.parametrize("said", [[ONE, ENDED], [ONE, ENDED, USAGE]])
async def test_a_connection_that_breaks_behind_the_answer_takes_nothing_away(
    said: list[Chunk], then: Script
) -> None:
    script = streaming(*map(event, said), then=then)
    async with raw_server(script) as server, connected(server.url) as upstream:
        assert await chunks(upstream) == said


@pytest.mark.parametrize("ends", [event(FAULT), b"data: {\n\n"])
async def test_what_is_wrong_behind_the_answer_takes_nothing_away(ends: bytes) -> None:
    script = streaming(event(ONE), event(ENDED) + ends, then=Connection.gone)
    async with raw_server(script) as server, connected(server.url) as upstream:
        assert await chunks(upstream) == [ONE, ENDED]
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


WHOLE = {
    "model": MODEL,
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "one"}}],
}


@pytest.mark.parametrize("then", [resetting, closing])
async def test_a_connection_that_breaks_behind_a_whole_completion_takes_nothing_away(
    then: Script,
) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(chunked(orjson.dumps(WHOLE), content_type="application/json"))
        await then(connection)

    async with raw_server(script) as server, connected(server.url) as upstream:
        [completion] = await chunks(upstream, ASKED)
        assert completion["choices"][0]["delta"]["content"] == "one"


@pytest.mark.parametrize("cut", [orjson.dumps(WHOLE)[:-1], b"{}", b"[]", b'{"choices": [{}]}'])
async def test_a_completion_that_is_cut_short_is_none(cut: bytes) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(chunked(cut, content_type="application/json"))

    async with raw_server(script) as server, connected(server.url) as upstream:
        with pytest.raises(Unreachable):
            await chunks(upstream, ASKED)


async def test_token_counts_are_waited_for_and_done_hardly_at_all() -> None:
    heard = asyncio.Event()

    async def then(connection: Connection) -> None:
        await heard.wait()
        await connection.send(chunk(event(USAGE)))
        await connection.gone()

    with skipping_clock() as clock:
        script = streaming(event(ONE), event(ENDED), then=then)
        async with raw_server(script) as server, connected(server.url) as upstream:
            said = Heard()
            async with asking(upstream, said) as task:
                await said.until(2)
                await looked_at(clock, skip=9)
                assert not task.done()
                heard.set()
                await said.until(3)
                assert said.chunks == [ONE, ENDED, USAGE]
                await looked_at(clock, skip=0.6)
                assert task.done()
                await task
            await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


async def test_token_counts_are_not_waited_for_any_longer_than_ten_seconds() -> None:
    with skipping_clock() as clock:
        script = streaming(event(ENDED), then=Connection.gone)
        async with raw_server(script) as server, connected(server.url) as upstream:
            said = Heard()
            async with asking(upstream, said) as task:
                await said.until(1)
                await looked_at(clock, skip=9)
                assert not task.done()
                await looked_at(clock, skip=2)
                assert task.done()
                await task
            await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)


async def test_token_counts_that_trickle_are_not_waited_for_any_longer() -> None:
    go_on = asyncio.Queue[None]()

    async def then(connection: Connection) -> None:
        while True:
            await go_on.get()
            await connection.send(chunk(b": still here\n\n"))

    with skipping_clock() as clock:
        script = streaming(event(ENDED), then=then)
        async with raw_server(script) as server, connected(server.url) as upstream:
            said = Heard()
            async with asking(upstream, said) as task:
                await said.until(1)
                for _ in range(3):
                    await looked_at(clock, skip=3)
                    go_on.put_nowait(None)
                    await looked_at(clock, skip=0)
                    assert not task.done()
                await looked_at(clock, skip=3)
                assert task.done()
                await task


@pytest.mark.parametrize("parts", [[ONE], [ENDED]])
async def test_behind_done_nothing_is_waited_for_long(parts: list[Chunk]) -> None:
    with skipping_clock() as clock:
        script = streaming(*map(event, parts), DONE, then=Connection.gone)
        async with raw_server(script) as server, connected(server.url) as upstream:
            said = Heard()
            async with asking(upstream, said) as task:
                await said.until(1)
                await looked_at(clock, skip=0)
                await looked_at(clock, skip=0.6)
                assert task.done()
                await task
            assert said.chunks == parts


async def test_an_answer_that_has_not_finished_is_not_taken_for_a_whole_one() -> None:
    script = streaming(event(ONE), event(USAGE), then=resetting)
    async with raw_server(script) as server, connected(server.url) as upstream:
        with pytest.raises(Unreachable):
            await chunks(upstream)


async def test_what_is_said_behind_the_answers_end_is_heard() -> None:
    async def then(connection: Connection) -> None:
        await connection.send(chunk(event(ONE)) + chunk(event(USAGE)) + chunk(DONE) + chunk(b""))
        await connection.gone()

    script = streaming(event(ENDED), then=then)
    async with raw_server(script) as server, connected(server.url) as upstream:
        assert await chunks(upstream) == [ENDED, ONE, USAGE]
        assert not server.hung_up.is_set()


async def looked_at(clock: Clock, *, skip: float) -> None:
    """Let everything happen that happens now, and `skip` seconds later."""
    for _ in range(10):
        await asyncio.sleep(0)
    clock.skip(skip)
    for _ in range(10):
        await asyncio.sleep(0)
