from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.frames import TextChunk
from proxy.core.wire import Chunk
from proxy.errors import BadReply, UpstreamError
from proxy.upstreams.http.endpoint import pooled_transport
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.scaleway.frames import FrameReader
from proxy.upstreams.scaleway.replies import CREDENTIALS, NAME, read_chunk
from tests.support.script import DONE, event
from tests.upstreams.json_documents import unhurried
from tests.upstreams.raw_server import PATIENCE_S, chunk, chunked, raw_server
from tests.upstreams.raw_server import Connection as Peer
from tests.upstreams.scaleway.samples import ONE, STREAMED, TWO, groups, saying, scaleway, whole

Read = Callable[[bytes], Chunk | TextChunk]
VENDOR = Vendor(NAME, CREDENTIALS, 5, "key")


def read(data: bytes) -> Any:
    return read_chunk(VENDOR, data)


def vllm(content: Any, **more: Any) -> Any:
    """A chunk with all that vLLM puts into it."""
    delta = {"role": None, "content": content, "tool_calls": [], "reasoning_content": None}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    top = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**top, "choices": [{**choice, "stop_reason": None}], "usage": None, **more}


def written(document: Any) -> bytes:
    return orjson.dumps(document)


def is_text(reader: FrameReader, data: bytes) -> bool:
    """Whether it is read as text in the reader's frame."""
    try:
        return isinstance(reader.read(data), TextChunk)
    except UpstreamError:
        return False


def meaning(read: Read, data: bytes) -> Any:
    """What is read in `data`, be it a chunk or a fault."""
    try:
        return whole(read(data))
    except UpstreamError as fault:
        return type(fault), str(fault)


def same(found: Any, expected: Any) -> bool:
    """Whether a client hears the same: a frame leaves out fields of a delta that say nothing."""
    return bool(_heard(found) == _heard(expected))


def _heard(meant: Any) -> Any:
    if not isinstance(meant, dict):
        return meant
    choices = [
        {
            **choice,
            "delta": {
                name: value
                for name, value in (choice.get("delta") or {}).items()
                if value and name != "role"
            },
        }
        for choice in meant.get("choices") or ()
    ]
    return {**meant, "choices": choices}


def test_the_second_chunk_of_a_kind_is_text_in_a_frame() -> None:
    reader = FrameReader(read)
    assert not isinstance(reader.read(written(vllm("one"))), TextChunk)
    chunk = reader.read(written(vllm("two")))
    assert isinstance(chunk, TextChunk)
    assert (chunk.text, chunk.written) == ("two", b"two")


@pytest.mark.parametrize("text", ['"', "\\", "\n", "\x7f", "é🦊", "\u2028", '":"', "\ud7ff"])
def test_any_text_has_its_meaning_in_a_frame(text: str) -> None:
    reader = FrameReader(read)
    reader.read(written(vllm("one")))
    for data in (written(vllm(text)), json.dumps(vllm(text), separators=(",", ":")).encode()):
        chunk = reader.read(data)
        assert isinstance(chunk, TextChunk)
        assert chunk.text == text
        assert orjson.loads(b'"' + chunk.written + b'"') == text


@pytest.mark.parametrize(
    "data",
    [
        written(vllm("")),
        written(vllm("x", created=2)),
        written(vllm("x", usage={"total_tokens": 5})),
        written({**vllm("x"), "choices": []}),
        written(vllm("x")).replace(b'"x"', b'"x'),
        written(vllm("x")).replace(b'"x"', b'"'),
        written(vllm("x")).replace(b'"x"', b'"\xff"'),
        written(vllm("x")).replace(b'"x"', b'"\\ud800"'),
        written(vllm("x")).replace(b'"x"', b'"a\nb"'),
        written(vllm("x")).replace(b'"x"', b'"a","b":"c"'),
        written(vllm("x")).replace(b'"x"', b'"a\\"'),
        written(vllm("x"))[:-1],
        b"{",
    ],
)
def test_what_only_looks_like_text_in_a_frame_is_read_in_full(data: bytes) -> None:
    reader = FrameReader(read)
    reader.read(written(vllm("one")))
    assert not is_text(reader, data)
    assert same(meaning(reader.read, data), meaning(read, data))


@pytest.mark.parametrize("text", [":", ",", "content", "index", "m", '","', "chatcmpl-1"])
def test_a_text_that_also_stands_elsewhere_makes_no_wrong_frame(text: str) -> None:
    reader = FrameReader(read)
    for each in (text, "one", text, "two"):
        data = written(vllm(each))
        assert same(meaning(reader.read, data), meaning(read, data))


def test_what_varies_beside_a_text_that_stays_is_not_taken_for_text() -> None:
    reader = FrameReader(read)
    for model in ("m", "m", "x", "y"):
        data = written(vllm("m", model=model))
        assert same(meaning(reader.read, data), meaning(read, data))


@pytest.mark.parametrize(
    "more",
    [
        {"usage": {"total_tokens": 5}},
        {"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]},
        {"choices": [{"delta": {"content": "x"}, "logprobs": {"content": []}}]},
        {"choices": [{"delta": {"content": "x", "refusal": "no"}}]},
        {"choices": [{"delta": {"content": "x"}}, {"delta": {"content": "y"}}]},
    ],
)
def test_a_chunk_that_says_more_than_its_text_is_no_chunk_of_text(more: dict[str, Any]) -> None:
    reader = FrameReader(read)
    data = written(vllm("x", **more))
    for _ in range(3):
        assert not isinstance(reader.read(data), TextChunk)


def test_a_stream_that_varies_is_not_learned_for_ever() -> None:
    asked = 0

    def counted(data: bytes) -> Any:
        nonlocal asked
        asked += 1
        return read(data)

    reader = FrameReader(counted)
    for number in range(100):
        reader.read(written(vllm("x", created=number)))
    assert asked <= 110


texts = st.text(max_size=6) | st.sampled_from(
    ['"', "\\", '":"', ",", "content", "m", "a text that no model says", "é🦊\u2028", "\x7f\x00"]
)
extras = st.fixed_dictionaries(
    {},
    optional={
        "created": st.integers(0, 1),
        "text": texts,
        "usage": st.sampled_from([None, {}, {"total_tokens": 3}]),
        "choices": st.sampled_from([[], None, [{"delta": None}], [{}, {}]]),
        "error": st.sampled_from([None, "", "no", {"message": "no"}]),
    },
)
deltas = st.fixed_dictionaries(
    {},
    optional={
        "content": texts | st.none(),
        "role": st.sampled_from([None, "assistant", ""]),
        "reasoning": texts,
        "refusal": st.none(),
        "tool_calls": st.sampled_from([None, [], [{"index": 0, "id": "c"}]]),
    },
)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    document = vllm(draw(texts))
    if draw(st.booleans()):
        document["choices"][0]["delta"] = draw(deltas)
    document["choices"][0]["finish_reason"] = draw(st.sampled_from([None, None, None, "stop"]))
    document |= draw(extras) if draw(st.booleans()) else {}
    separators = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    is_ascii = draw(st.booleans())
    data = json.dumps(document, separators=separators, ensure_ascii=is_ascii).encode()
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 9)) == 0 else data


@unhurried
@given(st.lists(documents(), max_size=8))
def test_it_makes_no_difference_whether_a_chunk_is_recognised_or_read(stream: list[bytes]) -> None:
    reader = FrameReader(read)
    for data in stream:
        assert same(meaning(reader.read, data), meaning(read, data))


# Bytes that no JSON library would write, between the quotes of a text


SAID_STRANGELY = [
    b"",
    b"x",
    b" ",
    b"/",
    b"\\/",
    b"\\u0022",
    b"\\u005c",
    b"\\\\",
    b"\\",
    b'\\"',
    b'"',
    b'","content":"y',
    b'","role":"x","content":"y',
    b'"},"delta":{"content":"y',
    b'"}}],"choices":[{"delta":{"content":"y',
    b'"}}],"error":{"message":"no',
    b'","x":["',
    b"\\ud83e\\udd8a",
    b"\\ud800",
    b"\\udc00\\ud800",
    b"\\u12",
    b"\\x41",
    b"\\u0000",
    b"\x00",
    b"\t",
    b"\r",
    b"\x7f",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xe2\x80\xa8",
    b"\xef\xbb\xbf",
]


@pytest.mark.parametrize("said", SAID_STRANGELY)
@pytest.mark.parametrize("sample", [b"one", b":", b"content", b"m", b"\\u00e9"])
def test_whatever_stands_between_the_quotes_is_read_as_in_full(said: bytes, sample: bytes) -> None:
    around = written(vllm("@"))
    reader = FrameReader(read)
    for each in (sample, said, sample, said):
        data = around.replace(b'"@"', b'"%b"' % each)
        assert same(meaning(reader.read, data), meaning(read, data))


@pytest.mark.parametrize(
    "around",
    [
        b'{"model":"m","choices":[{"delta":{"content":"@","content":"@"}}]}',
        b'{"model":"m","choices":[{"delta":{"content":"x","content":"@"}}]}',
        b'{"model":"m","choices":[{"delta":{"content":"@","content":"x"}}]}',
        b'{"model":"m","choices":[{"delta":{"content":"@"}}],"choices":[{"delta":{"content":"x"}}]}',
        b'{"model":"m","choices":[{"delta":{"content":"@"}}],"choices":[]}',
        b'{"@":1,"model":"m","choices":[{"delta":{"content":"@"}}]}',
        b'{"model":"@","choices":[{"delta":{"content":"@"}}]}',
        b'{"model":"m","choices":[{"delta":{"content":"@"}}],"note":"@"}',
        b' {"model" : "m", "choices":\t[ {"delta":{ "content" :"@" } } ] }\n',
        b'{"model":"m","choices":[{"delta":{"content":"@","reasoning":"@"}}]}',
        b'{"model":"m","choices":[{"delta":{"content":["@"]}}]}',
        b'{"model":"m","choices":[{"delta":{"@":"@"}}]}',
    ],
)
def test_a_text_that_is_written_twice_is_read_as_in_full(around: bytes) -> None:
    reader = FrameReader(read)
    for each in (b"one", b"two", b"content", b"model", b"one", b"\\u0022", b"x", b"m"):
        data = around.replace(b"@", each)
        assert same(meaning(reader.read, data), meaning(read, data))
        once = around.replace(b"@", each, 1).replace(b"@", b"two")
        assert same(meaning(reader.read, once), meaning(read, once))


@pytest.mark.parametrize("data", [b'{"choices":[{"delta":{"content":"', b'"}}]}', b'"', b""])
def test_the_ends_of_a_frame_that_overlap_are_no_chunk(data: bytes) -> None:
    reader = FrameReader(read)
    reader.read(b'{"choices":[{"delta":{"content":"one"}}]}')
    assert is_text(reader, b'{"choices":[{"delta":{"content":"two"}}]}')
    assert not is_text(reader, data)
    assert not is_text(reader, b'{"choices":[{"delta":{"content":"}}]}')


@unhurried
@given(
    st.lists(
        st.sampled_from(SAID_STRANGELY)
        | st.binary(max_size=6)
        | st.text(max_size=4).map(str.encode),
        min_size=1,
        max_size=4,
    ).map(b"".join)
)
def test_what_is_handed_on_can_be_written_into_an_event_as_it_stands(said: bytes) -> None:
    reader = FrameReader(read)
    reader.read(written(vllm("one")))
    with suppress(UpstreamError):
        chunk = reader.read(written(vllm("@")).replace(b'"@"', b'"%b"' % said))
        if isinstance(chunk, TextChunk):
            assert chunk.written == said
            assert orjson.loads(b'"%b"' % chunk.written) == chunk.text
            assert not set(chunk.written) & set(b"\r\n")
            assert chunk.text.encode().decode() == chunk.text != ""


# The same on the way from a socket


class Hearer:
    """Asks for a stream whose server sends a part only when the one before has been heard."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        """What came as text in a known frame."""
        self.read: list[Any] = []
        self._may_send = asyncio.Semaphore(1)

    def _hear(self, chunks: list[Chunk | TextChunk]) -> None:
        self.texts += [each.text for each in chunks if isinstance(each, TextChunk)]
        self.read += map(whole, chunks)
        self._may_send.release()

    async def hear(self, *parts: bytes, head: bytes = b"", after: bytes = b"") -> None:
        """Hear a reply; `after` comes when the last part has surely been taken in."""

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(head or chunked())
            for part in parts:
                await self._may_send.acquire()
                await peer.send(part)
            for part in (after, chunk(b"")) if after else ():
                for _ in range(200):
                    await asyncio.sleep(0)
                await peer.send(part)
            await peer.gone()

        async with raw_server(script) as server:
            upstream = scaleway(pooled_transport(), server.url)
            try:
                await upstream.ask(STREAMED, self._hear)
            finally:
                await upstream.endpoint.aclose()


def parts_of(*documents: Any) -> list[bytes]:
    return [chunk(event(each)) for each in documents]


THREE, END = saying("three"), {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


OVER = chunk(DONE) + chunk(b"")


async def test_each_text_comes_once_and_is_not_read_in_full_once_its_frame_is_known() -> None:
    one = Hearer()
    await asyncio.wait_for(one.hear(*parts_of(ONE, TWO, THREE, END), OVER), PATIENCE_S)
    assert one.read == [ONE, TWO, THREE, END]
    assert one.texts == ["two", "three"]


async def test_a_compressed_stream_is_heard_as_any_other() -> None:
    head = chunked().replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n")
    parts = [event(each) for each in (ONE, TWO, THREE, END)] + [DONE]
    one = Hearer()
    packed = chunk(gzip.compress(b"".join(parts)))
    await asyncio.wait_for(one.hear(packed + chunk(b""), head=head), PATIENCE_S)
    assert one.read == [ONE, TWO, THREE, END]


async def test_a_stream_in_an_encoding_that_is_unknown_is_not_taken_for_text() -> None:
    head = chunked().replace(b"\r\n\r\n", b"\r\ncontent-encoding: x-unknown\r\n\r\n")
    one = Hearer()
    with pytest.raises(BadReply, match="'x-unknown'"):
        await asyncio.wait_for(one.hear(*parts_of(ONE, TWO, END), OVER, head=head), PATIENCE_S)
    assert one.read == []


async def test_what_follows_done_is_not_heard() -> None:
    one = Hearer()
    after = chunk(event(THREE))
    await asyncio.wait_for(one.hear(*parts_of(ONE, TWO, END), chunk(DONE), after=after), PATIENCE_S)
    assert (one.read, one.texts) == ([ONE, TWO, END], ["two"])


async def test_a_stream_that_ends_after_done_leaves_its_connection_for_the_next() -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(chunked(event(ONE) + event(END) + DONE))
            for _ in range(200):  # what the end of the body comes after
                await asyncio.sleep(0)
            await peer.send(chunk(b""))

    async with raw_server(script) as server:
        upstream = scaleway(pooled_transport(), server.url)
        for _ in range(2):
            assert await groups(upstream) == [[ONE, END]]
        await upstream.endpoint.aclose()
        assert server.connections == 1
