"""An agent written by hand with the official Python client, over several turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openai import OpenAI

from tests.e2e.scenario import (
    MODEL,
    MODELS,
    MOST_REQUESTS,
    TOOLS,
    TURNS,
    LocalTools,
    Sandbox,
    check_answer,
    check_citations,
    check_hidden,
    check_requests,
)
from tests.support.openai_schema import check_chunk, check_completion

Ask = Callable[..., Any]
"""Sends messages; returns the assistant's message as the client puts it into its history."""


@pytest.fixture
def client(proxy_url: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{proxy_url}/v1", api_key="any", max_retries=0) as opened:
        yield opened


def ask_plainly(client: OpenAI, messages: list[Any], **options: Any) -> Any:
    completion = client.chat.completions.create(messages=messages, tools=TOOLS, **options)
    body = completion.to_dict()
    check_completion(body)
    check_hidden(body)
    message = completion.choices[0].message
    assert completion.choices[0].finish_reason == ("tool_calls" if message.tool_calls else "stop")
    # Sent back whole, with whatever else is in it, as most people do.
    return message.to_dict()


def ask_by_stream(client: OpenAI, messages: list[Any], **options: Any) -> Any:
    text = ""
    calls: dict[int, Any] = {}
    annotations: list[Any] = []
    finish_reasons: list[str] = []
    stream: Any = client.chat.completions.create(
        messages=messages, tools=TOOLS, stream=True, **options
    )
    for chunk in stream:
        check_chunk(chunk.to_dict())
        check_hidden(chunk.to_dict())
        choice = chunk.choices[0]
        text += choice.delta.content or ""
        annotations += choice.delta.to_dict().get("annotations", [])
        finish_reasons += [choice.finish_reason] if choice.finish_reason else []
        for part in choice.delta.tool_calls or []:
            if part.index not in calls:
                function = {"name": part.function.name, "arguments": ""}
                calls[part.index] = {"id": part.id, "type": "function", "function": function}
            calls[part.index]["function"]["arguments"] += part.function.arguments or ""
    assert finish_reasons == ["tool_calls" if calls else "stop"]
    assert list(calls) == list(range(len(calls)))
    message: dict[str, Any] = {"role": "assistant", "content": text or None}
    if calls:
        return message | {"tool_calls": list(calls.values())}
    return message | {"annotations": annotations}


def run_agent(
    ask: Ask, client: OpenAI, messages: list[Any], tools: LocalTools, **options: Any
) -> Any:
    """Ask and run tools until there is an answer; `messages` grows by all of it."""
    for _ in range(MOST_REQUESTS):
        message = ask(client, messages, **options)
        messages.append(message)
        if not message.get("tool_calls"):
            return message
        for call in message["tool_calls"]:
            result = tools.run(call["function"]["name"], call["function"]["arguments"])
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
    pytest.fail("the agent finds no end")


BOTH_WAYS = pytest.mark.parametrize("ask", [ask_plainly, ask_by_stream])


def converse(ask: Ask, client: OpenAI, sandbox: Sandbox, **options: Any) -> list[Any]:
    """Play all turns in one conversation and check each; returns the client's history."""
    tools = LocalTools()
    messages: list[Any] = [{"role": "system", "content": "You are an agent."}]
    for turn in TURNS:
        messages.append({"role": "user", "content": turn.question})
        answer = run_agent(ask, client, messages, tools, **options)
        assert tools.take_calls() == turn.calls
        check_answer(turn, answer["content"])
        check_citations(answer["content"], answer["annotations"])
        check_requests(sandbox, searches=turn.searches)
    return messages


@BOTH_WAYS
@pytest.mark.parametrize("model", MODELS)
def test_an_agent_works_through_several_turns(
    client: OpenAI, sandbox: Sandbox, ask: Ask, model: str
) -> None:
    converse(ask, client, sandbox, model=model)


@BOTH_WAYS
def test_an_agent_that_wants_one_call_at_a_time_gets_one(
    client: OpenAI, sandbox: Sandbox, ask: Ask
) -> None:
    history = converse(ask, client, sandbox, model=MODEL, parallel_tool_calls=False)
    turns_with_calls = [message for message in history if message.get("tool_calls")]
    assert [len(message["tool_calls"]) for message in turns_with_calls] == [1, 1, 1]
