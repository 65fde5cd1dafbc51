"""The checks: whatever is not what was sent is found."""

from collections.abc import Callable

import orjson
import pytest

from bench import wire
from bench.checks import Expected, WrongReplyError, check_reply, check_stream
from bench.exchange import Exchange
from bench.script import Script, citations, read_text
from tests.bench.recorded import END, HEAD, events_of, read, recorded, stream_of
from tests.support.script import delta_event

SCRIPT = Script(chunks=12)
PLAIN = Expected(SCRIPT, cited=False)
CITED = Expected(SCRIPT, cited=True)
Events = list[bytes]


def dropped(events: Events) -> Events:
    return [*events[:4], *events[5:]]


def merged(events: Events) -> Events:
    both = delta_event({"content": "".join(SCRIPT.pieces[4:6])})
    return [*events[:4], both, *events[6:]]


def cut_in_two(events: Events) -> Events:
    piece = SCRIPT.pieces[4]
    return [
        *events[:4],
        delta_event({"content": piece[:2]}),
        delta_event({"content": piece[2:]}),
        *events[5:],
    ]


def reordered(events: Events) -> Events:
    return [*events[:4], events[5], events[4], *events[6:]]


def repeated(events: Events) -> Events:
    return [*events[:5], *events[4:]]


def altered(events: Events) -> Events:
    return [each.replace(b"word1", b"word9") for each in events]


def without_reason(events: Events) -> Events:
    return [each for each in events if b'"stop"' not in each]


def with_two_reasons(events: Events) -> Events:
    return [*events[:-1], delta_event({}, "stop"), events[-1]]


def with_another_reason(events: Events) -> Events:
    return [each.replace(b'"stop"', b'"length"') for each in events]


def without_done(events: Events) -> Events:
    return events[:-1]


def with_something_after_done(events: Events) -> Events:
    return [*events, delta_event({})]


def with_an_error(events: Events) -> Events:
    return [*events[:5], b'data: {"error": {"message": "broken"}}\n\n']


def without_json(events: Events) -> Events:
    return [*events[:5], b"data: {\n\n", *events[5:]]


@pytest.mark.parametrize("cited", [False, True])
def test_what_was_sent_passes(*, cited: bool) -> None:
    check_stream(stream_of(events_of(SCRIPT, cited=cited)), Expected(SCRIPT, cited=cited))


@pytest.mark.parametrize(
    "spoil",
    [
        dropped,
        merged,
        cut_in_two,
        reordered,
        repeated,
        altered,
        without_reason,
        with_two_reasons,
        with_another_reason,
        without_done,
        with_something_after_done,
        with_an_error,
        without_json,
    ],
)
def test_a_spoilt_stream_is_found(spoil: Callable[[Events], Events]) -> None:
    with pytest.raises(WrongReplyError):
        check_stream(stream_of(spoil(events_of(SCRIPT))), PLAIN)


def test_a_stream_that_broke_off_is_found() -> None:
    whole = stream_of(events_of(SCRIPT))
    with pytest.raises(WrongReplyError, match="breaks off"):
        check_stream(Exchange(b"", reads=whole.reads[:-1]), PLAIN)


def test_citations_must_be_there_in_one_delta_and_right() -> None:
    events = [read(each) for each in events_of(SCRIPT)]
    one, other = citations(SCRIPT)
    moved = {**one, "url_citation": {**one["url_citation"], "start_index": 0}}
    for wrong in ([], [[one]], [[one], [other]], [[moved, other]]):
        deltas = [delta_event({"annotations": each}) for each in wrong]
        with pytest.raises(WrongReplyError, match="annotations"):
            check_stream(stream_of([*events[:-3], *deltas, *events[-3:]]), CITED)


def test_a_heartbeat_is_no_text() -> None:
    events = events_of(SCRIPT)
    check_stream(stream_of([delta_event({"content": ""}), *events]), PLAIN)


def test_another_status_is_told_with_what_was_said() -> None:
    error = recorded([wire.error_reply("no such model")])
    with pytest.raises(WrongReplyError, match=r"400 instead of 200 .*no such model"):
        check_stream(error, PLAIN)
    with pytest.raises(WrongReplyError, match=r"400 instead of 200 .*no such model"):
        check_reply(error, PLAIN)


def test_times_are_those_of_the_text() -> None:
    framed = [b"%x\r\n%s\r\n" % (len(each), each) for each in events_of(SCRIPT)]
    reads = [HEAD, framed[0], b"".join(framed[1:3]), framed[3], b"".join(framed[4:]) + END]
    timing = check_stream(recorded(reads, apart_s=1), PLAIN)
    assert timing.first_s == 2
    assert timing.gaps_s == (1, 0, 1, 1, 0, 0, 0, 0, 0)


def reply_with(**changes: object) -> Exchange:
    head, _, body = wire.answer(SCRIPT).partition(b"\r\n\r\n")
    document = orjson.loads(body)
    choice = document["choices"][0]
    for name, value in changes.items():
        (choice if name in choice else choice["message"])[name] = value
    assert head
    return recorded([wire.json_reply(document)])


def test_a_reply_that_is_not_streamed_is_compared_too() -> None:
    check_reply(reply_with(), PLAIN)
    text = read_text(SCRIPT)
    check_reply(reply_with(content=text, annotations=citations(SCRIPT)), CITED)
    for wrong, expected in (
        (reply_with(content=SCRIPT.text[:-1]), PLAIN),
        (reply_with(finish_reason="length"), PLAIN),
        (reply_with(message=None), PLAIN),
        (reply_with(content=text), CITED),
        (reply_with(annotations=citations(SCRIPT)), CITED),
    ):
        with pytest.raises(WrongReplyError):
            check_reply(wrong, expected)
