from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.chat import Chunk
from proxy.core.frames import TextChunk
from proxy.errors import UpstreamError
from proxy.upstreams.scaleway_frames import FrameReader
from proxy.upstreams.scaleway_replies import CREDENTIALS, NAME, read_chunk
from proxy.upstreams.status import Vendor
from tests.upstreams.json_documents import unhurried
from tests.upstreams.scaleway_samples import whole

Read = Callable[[bytes], Chunk | TextChunk]
VENDOR = Vendor(NAME, CREDENTIALS, 5, "key")


def read(data: bytes) -> dict[str, Any]:
    return read_chunk(VENDOR, data)


def vllm(content: Any, **more: Any) -> dict[str, Any]:
    """A chunk with all that vLLM puts into it."""
    delta = {"role": None, "content": content, "tool_calls": [], "reasoning_content": None}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    top = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**top, "choices": [{**choice, "stop_reason": None}], "usage": None, **more}


def written(document: Any) -> bytes:
    return orjson.dumps(document)


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
    assert reader.match(data) is None
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

    def counted(data: bytes) -> dict[str, Any]:
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
