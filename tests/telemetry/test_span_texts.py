from __future__ import annotations

import json
from typing import Any

from proxy.core.hidden import Found
from proxy.core.passages import Result
from proxy.core.search_tool import Search
from proxy.core.timeline import JobRun, ModelRound, Timeline
from proxy.core.trace import Trace
from proxy.core.turn import Owner, ToolCall, Turn
from proxy.core.wire import Message
from proxy.telemetry.span_texts import (
    LONGEST_TEXT,
    MOST_MESSAGES,
    texts_of_job,
    texts_of_request,
    texts_of_round,
)
from proxy.telemetry.trail import Trail

RESULT = Result("c1", "Leave is 27 days.", 0.5, 7, "Handbook", None, "https://docs.test/h", 3)


def trace(*, holds_texts: bool) -> Trace:
    return Trace(1, 2, lambda: 3, holds_texts=holds_texts)


def round_of(*messages: Message, holds_texts: bool = True) -> ModelRound:
    return Timeline(trace=trace(holds_texts=holds_texts)).round(0.0, "m", messages)


def asked(noted: ModelRound) -> Any:
    return json.loads(texts_of_round(noted)["gen_ai.input.messages"])


def test_without_leave_nothing_is_held_of_a_round_or_a_job() -> None:
    for noted in (
        round_of({"role": "user", "content": "secret"}, holds_texts=False),
        Timeline().round(0.0, "m", [{"role": "user", "content": "secret"}]),
    ):
        noted.end(1.0, Turn("secret", "stop"))
        assert (noted.asked, noted.turn, texts_of_round(noted)) == (None, None, {})
    run = Timeline(trace=trace(holds_texts=False)).run(0.0, Search("secret", 1).job, "LightOn")
    run.end(1.0, Found((RESULT,)))
    assert (run.found, texts_of_job(run, {"query": "secret"})) == (None, ({}, {}))
    trail = Trail({}, (), (), (), "secret", "secret")
    assert texts_of_request(trail, holds_texts=False) == {}


def test_a_request_shows_its_question_and_what_the_client_heard() -> None:
    texts = texts_of_request(Trail({}, (), (), (), "Days?", "27."), holds_texts=True)
    question = {"role": "user", "parts": [{"type": "text", "content": "Days?"}]}
    assert json.loads(texts["gen_ai.input.messages"]) == [question]
    assert json.loads(texts["gen_ai.output.messages"])[0]["parts"][0]["content"] == "27."
    assert texts_of_request(Trail({}, (), (), (), "", ""), holds_texts=True) == {}
    assert texts_of_request(None, holds_texts=True) == {}


def test_a_round_shows_its_messages_in_the_form_of_the_conventions() -> None:
    call: Any = {
        "role": "assistant",
        "content": None,
        "reasoning_content": "Let me see.",
        "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        ],
    }
    image: Any = {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        ],
    }
    noted = round_of(image, call, {"role": "tool", "content": "Found.", "tool_call_id": "c"})
    assert asked(noted) == [
        {
            "role": "user",
            "parts": [{"type": "text", "content": "What is it?"}, {"type": "image_url"}],
        },
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Let me see."},
                {"type": "tool_call", "id": "c", "name": "f", "arguments": "{}"},
            ],
        },
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": "c", "response": "Found."}],
        },
    ]


def test_a_round_shows_what_the_model_said_once_it_has_ended_well() -> None:
    noted = round_of({"role": "user", "content": "Days?"})
    assert "gen_ai.output.messages" not in texts_of_round(noted)
    call = ToolCall("c", "f", '{"n": 1}', Owner.CLIENT)
    noted.end(1.0, Turn("Wait.", "tool_calls", (call,), reasoning="Hm."))
    (said,) = json.loads(texts_of_round(noted)["gen_ai.output.messages"])
    assert [each["type"] for each in said["parts"]] == ["reasoning", "text", "tool_call"]
    assert said["finish_reason"] == "tool_calls"


def test_a_search_shows_its_query_and_the_passages_that_it_found() -> None:
    run: JobRun = Timeline(trace=trace(holds_texts=True)).run(0, Search("leave", 1).job, "LightOn")
    assert texts_of_job(run, None) == ({"gen_ai.tool.call.arguments": "{}"}, {})
    run.end(1.0, Found((RESULT,)))
    tool, search = texts_of_job(run, {"query": "leave"})
    assert tool["gen_ai.tool.call.arguments"] == '{"query":"leave"}'
    assert search["gen_ai.retrieval.query.text"] == "leave"
    (document,) = json.loads(search["gen_ai.retrieval.documents"])
    assert document == {
        "id": "c1",
        "score": 0.5,
        "content": "Leave is 27 days.",
        "metadata": {"title": "Handbook", "url": "https://docs.test/h", "page": 3},
    }
    assert tool["gen_ai.tool.call.result"] == search["gen_ai.retrieval.documents"]


def test_long_texts_and_long_histories_are_cut() -> None:
    message: Message = {"role": "user", "content": "x" * 50_000}
    noted = round_of(*[message] * (MOST_MESSAGES + 5))
    messages = asked(noted)
    assert len(messages) == MOST_MESSAGES
    assert {len(each["parts"][0]["content"]) for each in messages} == {LONGEST_TEXT}
