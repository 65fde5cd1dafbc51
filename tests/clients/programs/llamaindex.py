"""LlamaIndex on either route: the snippet decides."""

from __future__ import annotations

from typing import Any

import openai
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAIResponses
import snippet
from snippet import model
from told import FIRST, UNKNOWN_MODEL, Weather, play, sources

_ON_RESPONSES = isinstance(model, OpenAIResponses)


def answer(question: str) -> dict[str, Any]:
    return {"text": _text(model.chat(_asking(question)))}


def stream(question: str) -> dict[str, Any]:
    pieces = [response.delta for response in model.stream_chat(_asking(question))]
    return {"pieces": [piece for piece in pieces if piece]}


def tool(question: str) -> dict[str, Any]:
    weather = Weather()
    tools = [FunctionTool.from_defaults(weather.get_weather)]
    messages = _asking(question)
    while True:
        response = model.chat_with_tools(tools, chat_history=messages)
        calls = model.get_tool_calls_from_response(response, error_on_no_tool_call=False)
        if not calls:
            return {"calls": weather.calls, "text": _text(response)}
        messages.append(response.message)
        for call in calls:
            text = getattr(weather, call.tool_name)(**call.tool_kwargs)
            told: Any = {"tool_call_id": call.tool_id, "call_id": call.tool_id}
            messages.append(ChatMessage(role="tool", content=text, additional_kwargs=told))


def next_turn(question: str) -> dict[str, Any]:
    first = _asking(FIRST)
    return {"text": _text(model.chat([*first, model.chat(first).message, *_asking(question)]))}


def citations(question: str) -> dict[str, Any]:
    response = model.chat(_asking(question))
    return {"text": _text(response), "sources": sources(_kept(response).get("annotations"))}


def error(question: str) -> dict[str, Any]:
    try:
        model.model_copy(update={"model": UNKNOWN_MODEL}).chat(_asking(question))
    except openai.NotFoundError as raised:
        return {"status": raised.status_code, "error": raised.message}
    return {}


def file_search(question: str) -> dict[str, Any]:
    searching = {"type": "file_search", "vector_store_ids": ["ws_1"]}
    options: Any = {"built_in_tools": [searching], "include": ["file_search_call.results"]}
    response = model.model_copy(update=options).chat(_asking(question))
    said = _kept(response)
    results = [each for call in said.get("built_in_tool_calls", []) for each in call.results or []]
    found = [{"title": each.filename, "url": each.file_id} for each in results]
    return {"text": _text(response), "found": found, "sources": sources(said.get("annotations"))}


def embeddings(question: str) -> dict[str, Any]:
    return {"vectors": snippet.embedder.get_text_embedding_batch([question, question])}


def _asking(question: str) -> list[ChatMessage]:
    return [ChatMessage(role="user", content=question)]


def _kept(response: Any) -> dict[str, Any]:
    """What LlamaIndex keeps beside an answer's text: on responses apart from its message."""
    return {**response.message.additional_kwargs, **response.additional_kwargs}


def _text(response: Any) -> str:
    return "".join(block.text for block in response.message.blocks if block.block_type == "text")


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
