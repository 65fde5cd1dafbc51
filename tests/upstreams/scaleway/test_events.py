"""The reply to one model round, fed part by part."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.frames import TextChunk
from proxy.core.wire import Chunk
from proxy.errors import BadReply, UpstreamError
from proxy.tasks import Behind
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.scaleway.events import RoundReply
from proxy.upstreams.scaleway.replies import CREDENTIALS, NAME
from tests.support.clock import skipping_clock
from tests.support.script import DONE, event
from tests.upstreams.json_documents import unhurried
from tests.upstreams.scaleway.samples import ONE, TWO, saying, whole

VENDOR = Vendor(NAME, CREDENTIALS, 5, "key")
FAULT = event({"error": {"message": "no"}})
ENDED = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
USAGE = {"choices": [], "usage": {"total_tokens": 3}}


class Round:
    """A reply that is a stream, and what has been heard of it."""

    def __init__(self, timeout_s: float = 60) -> None:
        self.groups: list[list[Chunk | TextChunk]] = []
        self.behind: Behind = None
        self.reply = RoundReply(VENDOR, self._hear, timeout_s)
        self.feed = self.reply.head(200, [(b"Content-Type", b"text/event-stream")])

    def _hear(self, chunks: list[Chunk | TextChunk]) -> Behind:
        self.groups.append(chunks)
        return self.behind

    def fed(self, *parts: bytes) -> list[Chunk]:
        """What has been heard in all when these parts have been fed, too."""
        for part in parts:
            self.feed(part)
        return self.heard

    @property
    def heard(self) -> list[Chunk]:
        return [whole(each) for group in self.groups for each in group]


def calling(arguments: str) -> dict[str, Any]:
    """A chunk that says a part of a call."""
    delta = {"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]}
    return {"choices": [{"index": 0, "delta": delta}]}


async def test_chunks_come_up_to_done() -> None:
    one = Round()
    assert one.fed(event(ONE) + event(TWO)[:9]) == [ONE]
    assert one.fed(event(TWO)[9:] + DONE + event(ONE)) == [ONE, TWO]
    assert one.fed(event(ONE), FAULT) == [ONE, TWO]


async def test_chunks_that_arrive_together_are_heard_together() -> None:
    one = Round()
    one.fed(event(ONE) + event(TWO), event(ONE)[:9], event(ONE)[9:])
    assert [list(map(whole, group)) for group in one.groups] == [[ONE, TWO], [ONE]]


async def test_an_error_comes_after_the_chunks_before_it() -> None:
    one = Round()
    with pytest.raises(UpstreamError):
        one.feed(event(ONE) + FAULT + event(TWO))
    assert one.heard == [ONE]


async def test_a_stream_that_is_none_is_a_bad_reply() -> None:
    with pytest.raises(BadReply):
        Round().feed(b"data: {\n\n")


async def test_empty_events_are_passed_over() -> None:
    one = Round()
    assert one.fed(b"data:\n\n", b": comment\n\n", b"") == []
    assert one.groups == []
    assert one.fed(event(ONE)) == [ONE]


async def test_whoever_hears_may_be_behind() -> None:
    one = Round()
    assert one.feed(event(ONE)) is None
    one.behind = asyncio.get_running_loop().create_future()
    assert one.feed(event(TWO)) is one.behind
    assert one.feed(event(TWO)[:9]) is None  # there is nothing to hear


async def test_text_is_not_read_in_full_once_its_frame_is_known() -> None:
    one = Round()
    assert one.fed(event(ONE), event(TWO)) == [ONE, TWO]
    assert [type(each) for group in one.groups for each in group] == [dict, TextChunk]


async def test_more_of_a_call_is_read_in_full() -> None:
    one = Round()
    calls = [ONE, calling("{"), calling("}")]
    assert one.fed(*map(event, calls)) == calls


@pytest.mark.parametrize(
    "document",
    [
        saying(""),
        saying("x", usage={"total_tokens": 1}),
        ENDED,
        calling("{"),
    ],
)
async def test_what_is_more_or_less_than_text_is_read_in_full(document: dict[str, Any]) -> None:
    one = Round()
    assert one.fed(event(ONE), event(document)) == [ONE, document]
    assert not isinstance(one.groups[-1][0], TextChunk)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b": ping", b"\n\n"),
        (b"datum:", b"\n\n"),
        (b"data: ", b"\nd"),
        (b"data: ", b"}}"),
    ],
)
async def test_what_only_has_an_event_in_it_is_none(before: bytes, after: bytes) -> None:
    one = Round()
    inner = event(TWO)[6:-2]
    assert one.fed(event(ONE), before + inner + after) == [ONE]


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"\r\r", b"\n\r"])
async def test_lines_may_end_as_they_like(end: bytes) -> None:
    one = Round()
    assert one.fed(event(ONE), event(TWO)[:-2] + end, event(ONE)) == [ONE, TWO, ONE]


@pytest.mark.parametrize("part", [FAULT, b"data: {\n\n"])
async def test_what_is_wrong_behind_a_complete_answer_is_not_raised(part: bytes) -> None:
    one = Round()
    assert one.fed(event(ENDED) + part, event(ONE)) == [ENDED]
    assert one.reply.is_complete


async def test_patience_wanes_when_the_answer_is_complete() -> None:
    with skipping_clock() as clock:
        one = Round()
        one.feed(event(ONE))
        assert one.reply.patience_s == 60
        one.feed(event(ENDED))
        assert one.reply.patience_s == pytest.approx(10, abs=0.1)
        clock.skip(4)
        one.feed(b": ping\n\n")
        assert one.reply.patience_s == pytest.approx(6, abs=0.1)
        one.feed(event(USAGE))
        assert one.reply.patience_s == pytest.approx(0.5, abs=0.1)
        clock.skip(1)
        one.feed(b": ping\n\n")
        assert one.reply.patience_s == 0


async def test_token_counts_are_not_waited_for_any_longer_than_for_anything_else() -> None:
    one = Round(timeout_s=2)
    one.fed(event(ENDED))
    assert one.reply.patience_s == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    "content_type", [b"text/event-stream", b"Text/Event-Stream; charset=utf-8"]
)
async def test_a_stream_is_told_by_its_content_type(content_type: bytes) -> None:
    heard: list[Any] = []
    reply = RoundReply(VENDOR, heard.extend, 60)
    reply.head(200, [(b"content-type", content_type)])(event(ONE))
    assert (reply.is_stream, heard) == (True, [ONE])


async def test_a_reply_that_is_no_stream_is_kept_whole() -> None:
    heard: list[Any] = []
    for status, content_type in ((200, b"application/json"), (500, b"text/event-stream")):
        reply = RoundReply(VENDOR, heard.append, 60)
        feed = reply.head(status, [(b"content-type", content_type)])
        feed(b"one")
        feed(b"two")
        assert (reply.status, reply.body, reply.is_stream) == (status, b"onetwo", False)
    assert heard == []


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
async def test_it_makes_no_difference_how_a_stream_is_cut(
    stream: list[Any], random: Random
) -> None:
    parts = [b"data: " + orjson.dumps(each) + b"\n\n" for each in stream]
    outcomes = []
    for pieces in (
        [b"".join(parts)],
        parts,
        [piece for part in parts for piece in _cut(part, random)],
    ):
        one, fault = Round(), None
        try:
            one.fed(*pieces)
        except UpstreamError as error:
            fault = type(error)
        outcomes.append((one.heard, fault))
    assert outcomes == [outcomes[0]] * 3


def _cut(part: bytes, random: Random) -> list[bytes]:
    place = random.randrange(len(part)) if random.random() < 0.2 else 0
    return [piece for piece in (part[:place], part[place:]) if piece]
