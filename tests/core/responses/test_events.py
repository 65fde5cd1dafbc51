from __future__ import annotations

from proxy.core.responses.events import Log, TextPlace, whole

PLACE = TextPlace("msg_1", 2, 0)


def test_events_are_numbered_in_a_row_right_behind_their_type() -> None:
    log = Log()
    log.tell({"type": "a", "delta": "x"})
    log.say(PLACE, "Hi", b"Hi")
    log.tell_at(PLACE, "b", text="y")
    told = [dict(whole(each)) for each in log.take()]
    assert [each["sequence_number"] for each in told] == [0, 1, 2]
    assert list(told[0]) == ["type", "sequence_number", "delta"]


def test_taken_events_are_gone_and_their_numbers_go_on() -> None:
    log = Log()
    log.tell({"type": "a"})
    log.take()
    log.tell({"type": "b"})
    assert log.take() == [{"type": "b", "sequence_number": 1}]
    assert log.take() == []


def test_a_piece_of_text_means_a_whole_event() -> None:
    log = Log()
    log.say(PLACE, 'a"b', b'a\\"b')
    (told,) = log.take()
    assert whole(told) == {
        "type": "response.output_text.delta",
        "sequence_number": 0,
        "item_id": "msg_1",
        "output_index": 2,
        "content_index": 0,
        "delta": 'a"b',
        "logprobs": [],
    }


def test_an_event_about_a_part_says_where_it_stands() -> None:
    log = Log()
    log.tell_at(PLACE, "b", text="y")
    (told,) = log.take()
    assert whole(told) == {
        "type": "b",
        "sequence_number": 0,
        "item_id": "msg_1",
        "output_index": 2,
        "content_index": 0,
        "text": "y",
    }
