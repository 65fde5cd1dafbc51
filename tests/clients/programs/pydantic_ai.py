"""pydantic-ai on either route: the snippet decides."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic_ai import Agent, ModelHTTPError
from pydantic_ai.capabilities import NativeTool
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.native_tools import FileSearchTool
from snippet import model, provider
from told import FIRST, UNKNOWN_MODEL, Weather, play

_ON_RESPONSES = isinstance(model, OpenAIResponsesModel)


def answer(question: str) -> dict[str, Any]:
    return {"text": Agent(model).run_sync(question).output}


def stream(question: str) -> dict[str, Any]:
    return {"pieces": asyncio.run(_pieces(question))}


def tool(question: str) -> dict[str, Any]:
    weather = Weather()
    agent = Agent(model, tools=[weather.get_weather])
    return {"text": agent.run_sync(question).output, "calls": weather.calls}


def next_turn(question: str) -> dict[str, Any]:
    agent = Agent(model)
    history = agent.run_sync(FIRST).all_messages()
    return {"text": agent.run_sync(question, message_history=history).output}


def citations(question: str) -> dict[str, Any]:
    result = Agent(model).run_sync(question)
    return {"text": result.output, "sources": _sources(result)}


def error(question: str) -> dict[str, Any]:
    try:
        Agent(type(model)(UNKNOWN_MODEL, provider=provider)).run_sync(question)
    except ModelHTTPError as raised:
        return {"status": raised.status_code, "error": str(raised)}
    return {}


def file_search(question: str) -> dict[str, Any]:
    searching = NativeTool(FileSearchTool(file_store_ids=["ws_1"]))
    settings: Any = {"openai_include_file_search_results": True}
    agent = Agent(model, capabilities=[searching], model_settings=settings)
    result = agent.run_sync(question)
    returned = [part for message in result.all_messages() for part in message.parts]
    contents = [part.content for part in returned if part.part_kind == "builtin-tool-return"]
    results = [each for content in contents for each in content.get("results") or []]
    found = [{"title": each["filename"], "url": each["file_id"]} for each in results]
    return {"text": result.output, "found": found, "sources": _sources(result)}


async def _pieces(question: str) -> list[str]:
    async with Agent(model).run_stream(question) as result:
        return [piece async for piece in result.stream_text(delta=True, debounce_by=None)]


def _sources(result: Any) -> list[dict[str, str | None]]:
    parts = [part for message in result.all_messages() for part in message.parts]
    cited = [each for part in parts for each in getattr(part, "citations", None) or []]
    return [_source(source) for each in cited for source in each.sources]


def _source(source: Any) -> dict[str, str | None]:
    return {"title": source.title, "url": getattr(source, "url", None)}


play(
    answer=answer,
    stream=stream,
    tool=tool,
    next_turn=next_turn,
    citations=citations,
    error=error,
    file_search=file_search if _ON_RESPONSES else "",
)
