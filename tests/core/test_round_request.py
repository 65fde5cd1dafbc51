from __future__ import annotations

from typing import Any

import pytest

from proxy.core.chat import parse_chat
from proxy.core.plan import Ask, Policy, make_plan
from proxy.core.round_request import parameters_of, round_request
from proxy.core.wire import Message, Tool
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import FENCE

ASKED: list[Message] = [{"role": "user", "content": "Hi"}]
TOOL: Tool = {"type": "function", "function": {"name": "get_weather"}}


def request(ask: Ask, **body: Any) -> dict[str, Any]:
    chat = parse_chat({"messages": [{"role": "user", "content": "Hello"}], **body}, WISHES)
    plan = make_plan(chat, Policy("m", LightOnScope()), chat.wish, (), FENCE)
    return {**round_request(plan, ask)}


def test_a_round_has_the_clients_parameters_and_the_messages_and_model_of_the_proxy() -> None:
    assert request(Ask(ASKED, ()), temperature=0.5, model="hr") == {
        "temperature": 0.5,
        "model": "m",
        "messages": ASKED,
    }


def test_the_clients_parameters_of_a_round_stay_as_they_are() -> None:
    form = {"type": "json_object"}
    body = {"messages": ASKED, "temperature": 0.5, "response_format": form}
    chat = parse_chat(body, WISHES)
    plan = make_plan(chat, Policy("m", LightOnScope()), chat.wish, (), FENCE)
    assert parameters_of(plan, Ask(ASKED, ())) == {"temperature": 0.5, "response_format": form}
    assert parameters_of(plan, Ask(ASKED, (), has_format=False)) == {"temperature": 0.5}
    assert "response_format" in chat.body


def test_a_streamed_round_asks_for_its_token_counts() -> None:
    streamed = request(Ask(ASKED, ()), stream=True)
    assert (streamed["stream"], streamed["stream_options"]) == (True, {"include_usage": True})


@pytest.mark.parametrize("tools", [(), (TOOL,)])
def test_only_a_round_with_tools_says_how_they_may_be_called(tools: tuple[Tool, ...]) -> None:
    made = request(Ask(ASKED, tools), tools=[TOOL], parallel_tool_calls=False)
    assert made.get("tools", []) == [*tools]
    assert ("parallel_tool_calls" in made) == bool(tools)


@pytest.mark.parametrize("has_format", [True, False])
def test_a_format_goes_with_those_rounds_that_shall_have_it(*, has_format: bool) -> None:
    made = request(Ask(ASKED, (), has_format=has_format), response_format={"type": "json_object"})
    assert ("response_format" in made) == has_format
