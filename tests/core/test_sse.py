import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.core.sse import DONE, Decoder, Event, TooLongError, encode

BOM = b"\xef\xbb\xbf"


def decode(data: bytes) -> list[Event]:
    """The events of `data`, fed whole, byte by byte and with the start of another event behind it.

    All three ways must find the same.
    """
    whole = Decoder().feed(data)
    assert feed_bytewise(Decoder(), data) == whole
    trailing = Decoder()
    assert trailing.feed(data + b"data: cut o") == whole
    return whole


def feed_bytewise(decoder: Decoder, data: bytes) -> list[Event]:
    return [event for byte in data for event in decoder.feed(bytes([byte]))]


def data_of(decoder: Decoder, data: bytes) -> list[bytes]:
    return [event.data for event in decoder.feed(data)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_end_in_lf_crlf_or_cr(end: bytes) -> None:
    data = b"data: one@data: two@@event: ping@data: three@@".replace(b"@", end)
    assert decode(data) == [Event(b"one\ntwo"), Event(b"three", b"ping")]


def test_line_ends_may_be_mixed() -> None:
    assert decode(b"data: a\r\ndata: b\rdata: c\n\r\ndata: d\n\n") == [
        Event(b"a\nb\nc"),
        Event(b"d"),
    ]


def test_a_crlf_that_is_cut_in_two_ends_one_line() -> None:
    decoder = Decoder()
    assert data_of(decoder, b"data: a\r") == []
    assert data_of(decoder, b"") == []
    assert data_of(decoder, b"\ndata: b\r") == []
    assert data_of(decoder, b"\n\r") == [b"a\nb"]
    assert data_of(decoder, b"\ndata: c\n\n") == [b"c"]


def test_a_cr_ends_its_line_before_anything_follows() -> None:
    assert data_of(Decoder(), b"data: a\r\r") == [b"a"]


@pytest.mark.parametrize("separator", ["\u2028", "\u0085", "\x0b", "\x0c", "\x1c"])
def test_other_separators_are_text(separator: str) -> None:
    text = f"a{separator}b".encode()
    assert decode(b"data: " + text + b"\n\n") == [Event(text)]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"data: a", b"a"),
        (b"data:a", b"a"),
        (b"data:  a", b" a"),
        (b"data: a:b", b"a:b"),
        (b"data:", b""),
        (b"data", b""),
        (b"data: ", b""),
        (b"data:\ta", b"\ta"),
    ],
)
def test_one_space_after_the_colon_is_no_data(line: bytes, value: bytes) -> None:
    assert decode(line + b"\n\n") == [Event(value)]


@pytest.mark.parametrize(
    "line", [b": ping", b":", b"id: 1", b"retry: 10", b"unknown: x", b" data: x", b"Data: x"]
)
def test_comments_and_other_fields_are_passed_over(line: bytes) -> None:
    assert decode(line + b"\n\n") == []
    assert decode(b"data: a\n" + line + b"\ndata: b\n\n") == [Event(b"a\nb")]


def test_an_event_without_data_is_none_and_its_name_does_not_stay() -> None:
    assert decode(b"event: ping\n\ndata: a\n\n") == [Event(b"a")]


def test_the_last_name_counts() -> None:
    assert decode(b"event: a\nevent: b\ndata: x\n\n") == [Event(b"x", b"b")]


def test_more_empty_lines_change_nothing() -> None:
    assert decode(b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n") == [Event(b"a"), Event(b"b")]


def test_an_unfinished_event_is_none() -> None:
    assert Decoder().feed(b"data: a\n") == []
    assert Decoder().feed(b"data: a") == []


def test_a_byte_order_mark_is_passed_over_at_the_start_only() -> None:
    assert decode(BOM + b"data: a\n\n") == [Event(b"a")]
    assert decode(b"data: a\n\n" + BOM + b"data: b\n\n") == [Event(b"a")]
    assert decode(BOM + BOM + b"data: a\n\n") == []


def test_a_start_like_a_byte_order_mark_is_kept() -> None:
    decoder = Decoder()
    assert data_of(decoder, BOM[:2]) == []
    assert data_of(decoder, b": x\ndata: a\n\n") == [b"a"]


@pytest.mark.parametrize(
    "data",
    [
        b"data: 0123456789\n\n",
        b"data: 0123\ndata: 456\n\n",
        b"data: \ndata: \ndata: \n\n",
        b": 01234567890123\n\n",
        b"event: 0123456789\n\n",
        b"data: 01234567890123456789",
        BOM + b"data: 0123456789\r\n\r\n",
    ],
)
def test_an_event_that_grows_too_long_is_refused_however_it_comes(data: bytes) -> None:
    with pytest.raises(TooLongError, match="longer than 15 bytes"):
        Decoder(limit=15).feed(data)
    with pytest.raises(TooLongError):
        feed_bytewise(Decoder(limit=15), data)
    with pytest.raises(TooLongError):
        Decoder(limit=15).feed(data + b"data: more")


def test_the_limit_is_for_each_event_not_for_all() -> None:
    decoder = Decoder(limit=15)
    assert len(decoder.feed(b"data: 12345678\n\n" * 100)) == 100
    assert len(decoder.feed(b"data: 12345678\r\n\r\n" * 100)) == 100
    assert decoder.feed(b"data: 123456789") == []


def test_the_limit_counts_no_part_of_a_line_that_has_ended() -> None:
    decoder = Decoder(limit=15)
    parts = [b"data: 1", b"2345", b"678\n\n"] * 3
    assert [len(decoder.feed(part)) for part in parts] == [0, 0, 1] * 3


def test_what_is_encoded_is_decoded() -> None:
    data = b'{"a": ": \xc3\xa9"}'
    assert decode(encode(data) * 2 + DONE) == [Event(data), Event(data), Event(b"[DONE]")]


@pytest.mark.parametrize(
    "data",
    [
        b"data: a\n\n",
        b"data: a\rdata: b\n\n",
        b"data: a\r\n\n",
        b"data:a\n\n",
        b"data: \n\n",
        b"data: a\n\n\n",
        b"data: a\n\ndata: b\n\n",
        b"event: x\ndata: a\n\n",
        b"data: a\n",
        b"\n\n",
        b"",
    ],
)
def test_a_packet_is_read_the_same_whether_it_comes_first_or_between_events(data: bytes) -> None:
    decoder = Decoder()
    assert decoder.feed(b"data: before\n\n") == [Event(b"before")]
    assert decoder.feed(data) + decoder.feed(b"\n\n") == decode(data + b"\n\n")


lines = st.sampled_from(
    [b"data: a", b"data:", b"event: e", b": c", b"", b"", b"data", b"id: 1", BOM, b"data: \xff"]
)
ends = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(parts=st.lists(st.tuples(lines, ends)), cuts=st.lists(st.integers(1, 9), min_size=1))
@settings(deadline=None)
def test_any_cut_of_the_bytes_gives_the_same_events(
    parts: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    data = b"".join(line + end for line, end in parts)
    expected = decode(data)
    decoder = Decoder()
    found = []
    place = 0
    while place < len(data):
        size = cuts[place % len(cuts)]
        found += decoder.feed(data[place : place + size])
        place += size
    assert found == expected


whole_events = st.sampled_from(
    [
        b"",
        b"a",
        b" a",
        b"data: a",
        b":",
        b"\xff",
        b"\x00",
        b"\xe2\x80\xa8",
        b"[DONE]",
        b"x" * 40,
        BOM,
    ]
).map(encode)
packets = whole_events | st.lists(
    st.sampled_from([b"data: a", b"data: ", b": c", b"\n", b"\r\n", b"\r", b"\n\n", BOM]),
    max_size=6,
).map(b"".join)


@given(st.lists(packets, max_size=8))
@example([encode(b"a"), BOM + encode(b"b")])
@example([encode(b"a"), b"data: b\nd", b"ata: c\n\n"])
@example([encode(b"a"), b"data: b\n\r", encode(b"c")])
def test_packets_by_themselves_bytes_and_the_whole_give_the_same_events(parts: list[bytes]) -> None:
    data = b"".join(parts)
    decoder = Decoder()
    found = [event for part in parts for event in decoder.feed(part)]
    assert found == decode(data)


def test_an_event_that_comes_alone_is_held_against_the_limit_too() -> None:
    decoder = Decoder(limit=15)
    assert decoder.feed(b"data: 1\n\n") == [Event(b"1")]
    with pytest.raises(TooLongError):
        decoder.feed(b"data: 0123456789\n\n")
