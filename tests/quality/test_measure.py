"""What is asked, in which order, and with which history."""

import json
from collections.abc import Callable
from typing import Any

import httpx

from tests.quality.measure import Asker, measure
from tests.quality.questions import Conversation, Question

CONVERSATIONS = (
    Conversation(
        "en", (Question("known", "first", "d", "r"), Question("change", "next", "e", "r"))
    ),
    Conversation("en", (Question("small talk", "hi"),)),
)
Answer = Callable[[dict[str, Any]], httpx.Response]


def whole(asked: dict[str, Any]) -> httpx.Response:
    """Answers with the question, streamed or not as asked."""
    text = f"on {asked['messages'][-1]['content']}"
    if not asked["stream"]:
        return httpx.Response(200, json={"choices": [{"message": {"content": text}}]})
    chunk = json.dumps({"choices": [{"delta": {"content": text}}]})
    return httpx.Response(200, text=f"data: {chunk}\n\ndata: [DONE]\n\n")


def asker(answer: Answer = whole) -> tuple[Asker, list[dict[str, Any]]]:
    seen: list[dict[str, Any]] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content))
        return answer(seen[-1])

    client = httpx.Client(transport=httpx.MockTransport(handle))
    return Asker(client, "http://proxy", "local"), seen


def test_a_question_has_all_before_it_as_its_history() -> None:
    one, seen = asker()
    list(measure(one, CONVERSATIONS, ["tool"]))
    assert [[each["content"] for each in asked["messages"]] for asked in seen] == [
        ["first"],
        ["first", "on first", "next"],
        ["hi"],
    ]


def test_each_conversation_is_held_in_every_mode() -> None:
    one, seen = asker()
    rows = list(measure(one, CONVERSATIONS, ["tool", "hybrid"]))
    expected = ["tool", "tool", "hybrid", "hybrid", "tool", "hybrid"]
    assert [row.mode for row in rows] == expected
    assert [asked["lighton"]["retrieval"] for asked in seen] == expected


def test_half_of_the_questions_are_streamed_the_same_in_each_mode() -> None:
    one, _ = asker()
    rows = list(measure(one, CONVERSATIONS, ["tool", "hybrid"]))
    assert {(row.ask, row.streamed) for row in rows} == {
        ("first", False),
        ("next", True),
        ("hi", False),
    }
    assert all(row.reply.text == f"on {row.ask}" for row in rows)


def test_a_conversation_that_is_done_is_left_out_and_one_half_done_is_held_again() -> None:
    one, _ = asker()
    done = {("tool", "hi"), ("tool", "first")}
    assert [row.ask for row in measure(one, CONVERSATIONS, ["tool"], done)] == ["first", "next"]


def test_a_refused_request_is_an_answer_with_an_error() -> None:
    one, _ = asker(lambda _: httpx.Response(502, text="no model"))
    rows = list(measure(one, CONVERSATIONS, ["tool"]))
    assert [row.reply.error for row in rows] == ["502: no model"] * 3
