"""An agent made of the official Node client's own loop, over several turns of a conversation."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.scenario import (
    MODEL,
    MODELS,
    RESULTS,
    TOOLS,
    TURNS,
    Sandbox,
    Turn,
    check_answer,
    check_citations,
    check_hidden,
    check_requests,
)
from tests.e2e.test_openai_node import drive
from tests.e2e.test_openai_node import pytestmark as needs_node
from tests.support.openai_schema import check_completion

pytestmark = needs_node

BOTH_WAYS = pytest.mark.parametrize("streamed", [False, True])


def converse(url: str, *turns: Turn, **options: Any) -> list[dict[str, Any]]:
    """Play turns in one conversation and check what the client saw; returns all its completions."""
    body = {"messages": [], "tools": TOOLS, **options}
    questions = [turn.question for turn in turns]
    seen = drive(url, "converse", body=body, turns=questions, results=RESULTS)
    assert "error" not in seen, seen
    for turn, heard in zip(turns, seen["turns"], strict=True):
        assert [(call["name"], call["input"]) for call in heard["calls"]] == list(turn.calls)
        for completion in heard["completions"]:
            check_hidden(completion)
        message = heard["completions"][-1]["choices"][0]["message"]
        check_answer(turn, message["content"])
        check_citations(message["content"], message.get("annotations") or [])
    return [completion for heard in seen["turns"] for completion in heard["completions"]]


@BOTH_WAYS
@pytest.mark.parametrize("model", MODELS)
def test_an_agent_works_through_several_turns(
    proxy_url: str, sandbox: Sandbox, model: str, *, streamed: bool
) -> None:
    completions = converse(proxy_url, *TURNS, model=model, stream=streamed)
    check_requests(sandbox, searches=TURNS[-1].searches)
    if not streamed:
        for completion in completions:
            check_completion(completion)


@BOTH_WAYS
def test_the_first_answer_takes_one_search(
    proxy_url: str, sandbox: Sandbox, *, streamed: bool
) -> None:
    converse(proxy_url, TURNS[0], model=MODEL, stream=streamed)
    check_requests(sandbox, searches=TURNS[0].searches)


@BOTH_WAYS
def test_an_agent_that_wants_one_call_at_a_time_gets_one(
    proxy_url: str, sandbox: Sandbox, *, streamed: bool
) -> None:
    options: dict[str, Any] = {"stream": streamed, "parallel_tool_calls": False}
    completions = converse(proxy_url, *TURNS, model=MODEL, **options)
    check_requests(sandbox, searches=TURNS[-1].searches)
    messages = [completion["choices"][0]["message"] for completion in completions]
    calls = [message["tool_calls"] for message in messages if message.get("tool_calls")]
    assert [len(each) for each in calls] == [1, 1, 1]
