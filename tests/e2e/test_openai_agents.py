"""An agent made with the OpenAI Agents SDK, over several turns of a conversation."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from agents import (
    Agent,
    FunctionTool,
    ModelSettings,
    OpenAIChatCompletionsModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from agents.items import ToolCallItem
from agents.result import RunResultBase
from openai import AsyncOpenAI
from openai.types.responses import ResponseFunctionToolCall

from tests.e2e.scenario import (
    MODEL,
    MODELS,
    MOST_REQUESTS,
    TURNS,
    LocalTools,
    Sandbox,
    check_answer,
    check_citations,
    check_requests,
)

Run = Callable[[Agent, Any], Any]
"""Runs the agent on its input until it answers."""


class Contacts:
    """An audit hook that notes in `hosts`, while it is set, whom any thread of ours contacts.

    Python keeps audit hooks for good, so there is one for all tests.
    """

    def __init__(self) -> None:
        self.hosts: set[str] | None = None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.hosts is None:
            return
        if event == "socket.getaddrinfo":
            self.hosts.add(str(arguments[0]))
        elif event == "socket.connect" and isinstance(arguments[1], tuple):
            self.hosts.add(str(arguments[1][0]))


@pytest.fixture(scope="session")
def audited() -> Contacts:
    contacts = Contacts()
    sys.addaudithook(contacts)
    return contacts


@pytest.fixture(autouse=True)
def only_loopback(audited: Contacts) -> Iterator[None]:
    """Fail a test in which the SDK contacts anybody but this machine."""
    set_tracing_disabled(True)
    hosts: set[str] = set()
    audited.hosts = hosts
    yield
    audited.hosts = None
    assert hosts == {"127.0.0.1"}, f"contacted, not only the proxy: {hosts}"


@pytest.fixture
async def client(proxy_url: str) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{proxy_url}/v1", api_key="any", max_retries=0) as opened:
        yield opened


async def run_plainly(agent: Agent, given: Any) -> RunResultBase:
    return await Runner.run(agent, given, max_turns=MOST_REQUESTS)


async def run_by_stream(agent: Agent, given: Any) -> RunResultBase:
    result = Runner.run_streamed(agent, given, max_turns=MOST_REQUESTS)
    async for _ in result.stream_events():
        pass
    return result


def as_sdk_tools(tools: LocalTools) -> list[FunctionTool]:
    @function_tool
    async def get_weather(city: str) -> str:
        """Return the weather in a city."""
        return tools.call("get_weather", {"city": city})

    @function_tool
    async def get_time(city: str) -> str:
        """Return the local time in a city."""
        return tools.call("get_time", {"city": city})

    return [get_weather, get_time]


async def converse(
    run: Run, client: AsyncOpenAI, sandbox: Sandbox, model: str, **settings: Any
) -> list[int]:
    """Play all turns in one conversation and check each; returns how many calls each round made."""
    tools = LocalTools()
    agent = Agent(
        name="Agent",
        instructions="You are an agent.",
        model=OpenAIChatCompletionsModel(model=model, openai_client=client),
        model_settings=ModelSettings(**settings),
        tools=list(as_sdk_tools(tools)),
    )
    history: list[Any] = []
    calls = []
    for turn in TURNS:
        result = await run(agent, [*history, {"role": "user", "content": turn.question}])
        history = result.to_input_list()
        assert tools.take_calls() == turn.calls
        assert seen_calls(result) == [name for name, _ in turn.calls]
        check_answer(turn, result.final_output)
        check_citations(result.final_output, seen_annotations(result))
        check_requests(sandbox, searches=turn.searches)
        calls += [
            sum(item.type == "function_call" for item in response.output)
            for response in result.raw_responses
        ]
    return [number for number in calls if number]


def seen_calls(result: RunResultBase) -> list[str]:
    calls = [item.raw_item for item in result.new_items if isinstance(item, ToolCallItem)]
    return [call.name for call in calls if isinstance(call, ResponseFunctionToolCall)]


def seen_annotations(result: RunResultBase) -> list[dict[str, Any]]:
    """Return the annotations of the last response, in the shape of chat completions."""
    said = [item for item in result.raw_responses[-1].output if item.type == "message"]
    texts = [part for part in said[-1].content if part.type == "output_text"]
    return [{"url_citation": each.to_dict()} for text in texts for each in text.annotations]


BOTH_WAYS = pytest.mark.parametrize("run", [run_plainly, run_by_stream])


@BOTH_WAYS
@pytest.mark.parametrize("model", MODELS)
async def test_an_agent_works_through_several_turns(
    client: AsyncOpenAI, sandbox: Sandbox, run: Run, model: str
) -> None:
    await converse(run, client, sandbox, model)


@BOTH_WAYS
async def test_an_agent_that_wants_one_call_at_a_time_gets_one(
    client: AsyncOpenAI, sandbox: Sandbox, run: Run
) -> None:
    calls = await converse(run, client, sandbox, MODEL, parallel_tool_calls=False)
    assert calls == [1, 1, 1]
