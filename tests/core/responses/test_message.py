from __future__ import annotations

from tests.core.responses.scripts import Play, chunk


def test_a_message_begins_goes_on_and_ends_as_openais_do() -> None:
    one = Play()
    one.hear(chunk({"content": "Hi"}), chunk({"content": "!"}))
    one.cite()
    one.end()
    assert one.types == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.annotation.added",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert one.events[2]["item"] == {
        "type": "message",
        "id": "msg_0",
        "role": "assistant",
        "status": "in_progress",
        "content": [],
    }
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    assert one.events[3]["part"] == part


def test_text_and_refusal_are_parts_of_one_message() -> None:
    one = Play()
    deltas = [{"content": "a"}, {"refusal": "b"}, {"refusal": "c"}, {"content": "d"}]
    one.hear(*map(chunk, deltas))
    one.end()
    (message,) = one.response["output"]
    assert [each.get("text", each.get("refusal")) for each in message["content"]] == [
        "a",
        "bc",
        "d",
    ]


def test_the_places_of_citations_count_from_the_part_that_holds_them() -> None:
    one = Play()
    one.hear(chunk({"content": "abc"}))
    one.cite()
    one.hear(chunk({"refusal": "no"}), chunk({"content": "de"}))
    one.cite()
    one.end()
    first, _, second = one.response["output"][0]["content"]
    assert [each["start_index"] for each in first["annotations"]] == [2]
    assert [each["start_index"] for each in second["annotations"]] == [1]
