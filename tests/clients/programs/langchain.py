"""LangChain on either route: the snippet decides."""

from __future__ import annotations

from typing import Any

import openai
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool as as_tool
import snippet
from snippet import model
from told import FIRST, UNKNOWN_MODEL, Weather, play

_ON_RESPONSES = bool(model.use_responses_api)


def answer(question: str) -> dict[str, Any]:
    return {"text": model.invoke(question).text}


def stream(question: str) -> dict[str, Any]:
    return {"pieces": [chunk.text for chunk in model.stream(question) if chunk.text]}


def tool(question: str) -> dict[str, Any]:
    weather = Weather()
    with_tool = model.bind_tools([as_tool(weather.get_weather)])
    messages: list[Any] = [HumanMessage(question)]
    while (message := with_tool.invoke(messages)).tool_calls:
        messages.append(message)
        for call in message.tool_calls:
            text = getattr(weather, call["name"])(**call["args"])
            messages.append(ToolMessage(text, tool_call_id=call["id"]))
    return {"calls": weather.calls, "text": message.text}


def next_turn(question: str) -> dict[str, Any]:
    messages = [HumanMessage(FIRST), model.invoke(FIRST), HumanMessage(question)]
    return {"text": model.invoke(messages).text}


def citations(question: str) -> dict[str, Any]:
    message = model.invoke(question)
    return {"text": message.text, "sources": _sources(message)}


def error(question: str) -> dict[str, Any]:
    try:
        model.model_copy(update={"model_name": UNKNOWN_MODEL}).invoke(question)
    except openai.NotFoundError as raised:
        return {"status": raised.status_code, "error": raised.message}
    return {}


def file_search(question: str) -> dict[str, Any]:
    searching = model.bind_tools([{"type": "file_search", "vector_store_ids": ["ws_1"]}])
    message = searching.invoke(question, include=["file_search_call.results"])
    outputs = message.additional_kwargs.get("tool_outputs", [])
    outputs += [each for each in message.content if each["type"] == "file_search_call"]
    results = [result for each in outputs for result in each.get("results") or []]
    found = [{"title": each["filename"], "url": each["file_id"]} for each in results]
    return {"text": message.text, "found": found, "sources": _sources(message)}


def embeddings(question: str) -> dict[str, Any]:
    return {"vectors": snippet.embedder.embed_documents([question, question])}


def _sources(message: AIMessage) -> list[dict[str, str]]:
    cited = [each for block in message.content_blocks for each in block.get("annotations") or []]
    return [{"title": each.get("title"), "url": each.get("url")} for each in cited]


play(
    answer=answer,
    stream=stream,
    tool=tool,
    next_turn=next_turn,
    citations=citations,
    error=error,
    file_search=file_search if _ON_RESPONSES else "",
    embeddings="" if _ON_RESPONSES else embeddings,
)
