from __future__ import annotations

from typing import Any

import pytest

from tests.support.openai_responses import (
    accumulate,
    check_event,
    check_order,
    check_response,
    fold,
    held_by,
)

ITEM: Any = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "in_progress",
    "content": [],
}
PART: Any = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
WHOLE: Any = {**ITEM, "status": "completed", "content": [{**PART, "text": "Hi"}]}
RESPONSE: Any = {
    "id": "resp_1",
    "object": "response",
    "created_at": 9,
    "model": "m",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}


def stream(*, delta: str = "Hi") -> list[dict[str, Any]]:
    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events: list[dict[str, Any]] = [
        {"type": "created", "response": RESPONSE},
        {"type": "in_progress", "response": RESPONSE},
        {"type": "output_item.added", "output_index": 0, "item": ITEM},
        {"type": "content_part.added", **where, "part": PART},
        {"type": "output_text.delta", **where, "delta": delta, "logprobs": []},
        {"type": "output_text.done", **where, "text": "Hi", "logprobs": []},
        {"type": "content_part.done", **where, "part": {**PART, "text": "Hi"}},
        {"type": "output_item.done", "output_index": 0, "item": WHOLE},
        {"type": "completed", "response": {**RESPONSE, "output": [WHOLE]}},
    ]
    return [
        {**each, "type": f"response.{each['type']}", "sequence_number": number}
        for number, each in enumerate(events)
    ]


def test_a_good_stream_passes_all_checks_and_both_readings_agree() -> None:
    events = stream()
    for each in events:
        check_event(each)
    check_order(events)
    check_response(events[-1]["response"])
    assert fold(events) == events[-1]["response"]
    assert accumulate(events) == held_by(events[-1]["response"]) == {("msg_1", 0): "Hi"}


def test_a_missing_or_unknown_field_is_noticed() -> None:
    (delta,) = [each for each in stream() if each["type"].endswith("text.delta")]
    with pytest.raises(ValueError, match="delta"):
        check_event({name: value for name, value in delta.items() if name != "delta"})
    with pytest.raises(AssertionError, match="odd"):
        check_event({**delta, "odd": 1})
    with pytest.raises(ValueError, match="tools"):
        check_response({**RESPONSE, "tools": None})
    with pytest.raises(AssertionError, match="odd"):
        check_response({**RESPONSE, "output": [{**WHOLE, "odd": 1}]})


@pytest.mark.parametrize("missing", range(9))
def test_a_stream_without_one_of_its_events_is_noticed(missing: int) -> None:
    events = [each for each in stream() if each["sequence_number"] != missing]
    with pytest.raises(AssertionError):
        check_order(events)


def test_pieces_that_do_not_make_the_whole_are_noticed() -> None:
    with pytest.raises(AssertionError):
        fold(stream(delta="Ho"))
