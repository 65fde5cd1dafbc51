"""OpenAI Agents SDK on either route: the snippet decides."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
from agents import Agent, FileSearchTool, OpenAIResponsesModel, Runner, function_tool
from snippet import model
from told import FIRST, UNKNOWN_MODEL, Weather, play, sources

_ON_RESPONSES = isinstance(model, OpenAIResponsesModel)
_LOOP = asyncio.new_event_loop()
"""One for all checks: the client's connections belong to it."""


def answer(question: str) -> dict[str, Any]:
    return {"text": _run(Agent(name="Clerk", model=model), question).final_output}


def stream(question: str) -> dict[str, Any]:
    return {"pieces": _LOOP.run_until_complete(_pieces(question))}


def tool(question: str) -> dict[str, Any]:
    weather = Weather()
    agent = Agent(name="Clerk", model=model, tools=[function_tool(weather.get_weather)])
    return {"text": _run(agent, question).final_output, "calls": weather.calls}


def next_turn(question: str) -> dict[str, Any]:
    agent = Agent(name="Clerk", model=model)
    items = _run(agent, FIRST).to_input_list()
    return {"text": _run(agent, [*items, {"role": "user", "content": question}]).final_output}


def citations(question: str) -> dict[str, Any]:
    result = _run(Agent(name="Clerk", model=model), question)
    return {"text": result.final_output, "sources": _sources(result)}


def error(question: str) -> dict[str, Any]:
    # The SDK keeps its client where nobody should look; the class is all that is needed.
    other = type(model)(UNKNOWN_MODEL, model._client)
    try:
        _run(Agent(name="Clerk", model=other), question)
    except openai.NotFoundError as raised:
        return {"status": raised.status_code, "error": raised.message}
    return {}


def file_search(question: str) -> dict[str, Any]:
    searching = FileSearchTool(vector_store_ids=["ws_1"], include_search_results=True)
    result = _run(Agent(name="Clerk", model=model, tools=[searching]), question)
    searched = [item for item in _output(result) if item.type == "file_search_call"]
    results = [each for item in searched for each in item.results or []]
    found = [{"title": each.filename, "url": each.file_id} for each in results]
    return {"text": result.final_output, "found": found, "sources": _sources(result)}


async def _pieces(question: str) -> list[str]:
    result = Runner.run_streamed(Agent(name="Clerk", model=model), question)
    raw = [event.data async for event in result.stream_events() if hasattr(event, "data")]
    return [each.delta for each in raw if each.type == "response.output_text.delta" and each.delta]


def _run(agent: Agent, question: Any) -> Any:
    return _LOOP.run_until_complete(Runner.run(agent, question))


def _output(result: Any) -> list[Any]:
    return [item for response in result.raw_responses for item in response.output]


def _sources(result: Any) -> list[dict[str, str]]:
    said = [part for item in _output(result) if item.type == "message" for part in item.content]
    return sources([each for part in said for each in part.annotations])


play(
    answer=answer,
    stream=stream,
    tool=tool,
    next_turn=next_turn,
    citations=citations,
    error=error,
    file_search=file_search if _ON_RESPONSES else "",
)
