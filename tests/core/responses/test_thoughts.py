from __future__ import annotations

from typing import Any

import pytest

from tests.core.responses.scripts import Play, chunk


def thinking(**manner: Any) -> Play:
    one = Play(manner)
    one.hear(chunk({"reasoning_content": "Hm"}), chunk({"reasoning_content": "."}))
    one.hear(chunk({"content": "Yes"}))
    one.end()
    return one


def test_thoughts_are_text() -> None:
    one = thinking()
    assert one.types[2:9] == [
        "output_item.added",
        "content_part.added",
        "reasoning_text.delta",
        "reasoning_text.delta",
        "reasoning_text.done",
        "content_part.done",
        "output_item.done",
    ]
    assert one.events[2]["item"] == {
        "id": "rs_0",
        "type": "reasoning",
        "summary": [],
        "content": [],
    }
    assert one.response["output"][0] == {
        "id": "rs_0",
        "type": "reasoning",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Hm."}],
    }


def test_thoughts_are_a_summary_for_whoever_asks_for_one() -> None:
    one = thinking(thoughts_as_summary=True)
    assert one.types[2:9] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    assert one.response["output"][0] == {
        "id": "rs_0",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Hm."}],
    }


@pytest.mark.parametrize("as_summary", [True, False])
def test_a_heartbeat_among_thoughts_is_a_piece_without_words(as_summary: bool) -> None:  # noqa: FBT001  # a table
    one = Play({"thoughts_as_summary": as_summary})
    one.hear(chunk({"reasoning_content": "Hm"}))
    one.heartbeat()
    assert one.events[-1]["type"] == one.events[-2]["type"]
    assert one.events[-1]["delta"] == ""
