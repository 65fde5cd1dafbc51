"""Replies taken apart, however the network cut them."""

import pytest

from bench.exchange import Ending, Exchange, MalformedReplyError, read_reply
from tests.bench.recorded import HEAD, recorded

STREAM = HEAD + b"8\r\ndata: 1\n\r\n1\r\n\n\r\n12\r\ndata: 2\n\ndata: 3\n\n\r\n0\r\n\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_stream_is_read_the_same_in_any_pieces(size: int) -> None:
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    events = read_reply(recorded(pieces)).events()
    assert [event.data for event in events] == [b"1", b"2", b"3"]


def test_an_event_came_when_its_last_byte_came() -> None:
    cut = STREAM.index(b"data: 2") + 3
    early, late = read_reply(recorded([STREAM[:cut], STREAM[cut:]], apart_s=1)).events()[:2]
    assert (early.at, late.at) == (1, 2)


def test_events_that_come_in_one_read_have_one_time() -> None:
    events = read_reply(recorded([STREAM], apart_s=1)).events()
    assert {event.at for event in events} == {1}


def body_of(text: bytes) -> Exchange:
    return recorded([b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(text) + text])


def test_lines_may_end_in_cr_lf() -> None:
    events = read_reply(body_of(b"data: 1\r\n\r\ndata: 2\r\n\r\n")).events()
    assert [event.data for event in events] == [b"1", b"2"]


def test_comments_are_no_events_and_data_lines_are_joined() -> None:
    events = read_reply(body_of(b": ping\n\nevent: x\ndata: 1\ndata:2\n\n")).events()
    assert [event.data for event in events] == [b"1\n2"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        PLAIN[:-1],
        PLAIN + b"d",
        STREAM[:-1],
        STREAM[:-5],
        STREAM + b"x",
    ],
)
def test_a_reply_that_is_not_whole_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedReplyError):
        read_reply(recorded([raw]))


def test_a_stream_that_ends_within_an_event_is_refused() -> None:
    reply = read_reply(recorded([HEAD + b"7\r\ndata: 1\r\n0\r\n\r\n"]))
    with pytest.raises(MalformedReplyError):
        reply.events()


def test_a_failure_is_told() -> None:
    with pytest.raises(MalformedReplyError, match="the connection broke"):
        read_reply(Exchange(b"", failure="the connection broke"))


@pytest.mark.parametrize("raw", [STREAM, PLAIN])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_the_end_is_noticed_and_nothing_else_is_taken_for_it(raw: bytes, size: int) -> None:
    ending = Ending()
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    assert [ending.is_here(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]


def test_a_server_that_closes_after_its_reply_says_so() -> None:
    ending = Ending()
    ending.is_here(PLAIN.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert ending.closes
