from __future__ import annotations

from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.chat import Chunk
from proxy.core.frames import TextChunk
from proxy.errors import BadReply, UpstreamError
from proxy.upstreams.scaleway_events import Events
from proxy.upstreams.scaleway_replies import CREDENTIALS, NAME
from proxy.upstreams.status import Vendor
from tests.upstreams.json_documents import unhurried
from tests.upstreams.scaleway_samples import DONE, ONE, TWO, event, saying, whole

VENDOR = Vendor(NAME, CREDENTIALS, 5, "key")


def events() -> Events:
    return Events(VENDOR)


def calling(arguments: str) -> dict[str, Any]:
    """A chunk that says a part of a call."""
    delta = {"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]}
    return {"choices": [{"index": 0, "delta": delta}]}


def fed(reader: Events, *parts: bytes) -> list[Chunk]:
    return [whole(chunk) for part in parts for chunk in reader.feed(part)]


def test_chunks_come_up_to_done() -> None:
    reader = events()
    assert fed(reader, event(ONE) + event(TWO)[:9]) == [ONE]
    assert fed(reader, event(TWO)[9:] + DONE + event(ONE)) == [TWO]
    assert reader.is_over


def test_an_error_comes_after_the_chunks_before_it() -> None:
    reader = events()
    assert fed(reader, event(ONE) + event({"error": {"message": "no"}}) + event(TWO)) == [ONE]
    assert isinstance(reader.fault, UpstreamError)


def test_a_stream_that_is_none_is_a_bad_reply() -> None:
    reader = events()
    reader.feed(b"data: {\n\n")
    assert isinstance(reader.fault, BadReply)


def test_empty_events_are_passed_over() -> None:
    reader = events()
    assert fed(reader, b"data:\n\n", event(ONE)) == [ONE]
    assert reader.fault is None


def test_text_is_handed_on_once_its_frame_is_known() -> None:
    reader = events()
    taken: list[Chunk | TextChunk] = []

    def take(chunk: Chunk | TextChunk) -> bool:
        taken.append(chunk)
        return True

    assert not reader.hand_on(take, event(ONE))
    assert fed(reader, event(ONE)) == [ONE]
    assert reader.hand_on(take, event(TWO))
    assert [whole(chunk) for chunk in taken] == [TWO]


def test_more_of_a_call_is_handed_on_once_it_has_begun() -> None:
    reader = events()
    taken: list[Chunk | TextChunk] = []

    def take(chunk: Chunk | TextChunk) -> bool:
        taken.append(chunk)
        return True

    reader.feed(event(ONE))
    assert not reader.hand_on(take, event(calling("{")))
    assert fed(reader, event(calling("{"))) == [calling("{")]
    assert reader.hand_on(take, event(calling("}")))
    assert taken == [calling("}")]


@pytest.mark.parametrize("part", [DONE, event({"error": {"message": "no"}}), b"data: {\n\n"])
def test_neither_an_error_nor_the_end_of_a_call_is_handed_on(part: bytes) -> None:
    reader = events()
    reader.feed(event(calling("{")))
    assert not reader.hand_on(lambda _: pytest.fail("taken"), part)
    assert fed(reader, part) == []
    assert reader.is_over == (part == DONE)
    assert (reader.fault is None) == (part == DONE)


@pytest.mark.parametrize(
    "part",
    [
        event(ONE) + event(TWO),
        event(TWO)[:-1],
        event(TWO).replace(b"\n\n", b"\r\n\r\n"),
        b": comment\n\n",
        event(saying("")),
        event(saying("x", usage={"total_tokens": 1})),
        event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
        event({"error": {"message": "no"}}),
        DONE,
        b"",
    ],
)
def test_nothing_else_is_handed_on(part: bytes) -> None:
    reader = events()
    reader.feed(event(ONE))
    assert not reader.hand_on(lambda _: pytest.fail("taken"), part)


def test_nothing_is_handed_on_in_the_middle_of_an_event() -> None:
    reader = events()
    reader.feed(event(ONE) + b"data: {")
    assert not reader.hand_on(lambda _: pytest.fail("taken"), event(TWO))


def test_what_is_not_taken_is_fed_as_ever() -> None:
    reader = events()
    reader.feed(event(ONE))
    assert not reader.hand_on(lambda _: False, event(TWO))
    assert fed(reader, event(TWO)) == [TWO]


texts = st.text(max_size=6) | st.sampled_from(
    ['"', "\\", '":"', ",", "content", "é🦊\u2028", "\x7f"]
)
documents: st.SearchStrategy[Any] = st.one_of(
    texts.map(saying),
    texts.map(lambda text: saying(text, created=1)),
    st.builds(lambda text, role: saying(text) | {"role": role}, texts, texts),
    texts.map(lambda text: {"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]}),
    st.just({"error": {"message": "no"}}),
    st.just({"choices": []}),
    texts.map(calling),
    st.just({"choices": [{"index": 0, "delta": {"tool_calls": {}}}]}),  # which is no chunk
)


@unhurried
@given(st.lists(documents, max_size=12), st.randoms(use_true_random=False))
def test_it_makes_no_difference_which_chunks_are_handed_on(
    stream: list[Any], random: Random
) -> None:
    parts = [b"data: " + orjson.dumps(each) + b"\n\n" for each in stream]
    parts = [part for each in parts for part in _cut(each, random)]
    plain, reader = events(), events()
    expected: list[Chunk] = []
    for part in parts:
        expected += [] if plain.fault else fed(plain, part)
    heard: list[Chunk] = []

    def take(chunk: Chunk | TextChunk) -> bool:
        is_taken = random.random() < 0.7
        if is_taken:
            heard.append(whole(chunk))
        return is_taken

    for part in parts:
        if not (reader.fault or reader.hand_on(take, part)):
            heard += fed(reader, part)
    assert heard == expected
    assert type(reader.fault) is type(plain.fault)


def _cut(part: bytes, random: Random) -> list[bytes]:
    place = random.randrange(len(part)) if random.random() < 0.2 else 0
    return [piece for piece in (part[:place], part[place:]) if piece]
