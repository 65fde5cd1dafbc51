"""openai-python on responses."""

from __future__ import annotations

import json
from typing import Any

import openai
from snippet import client, model
from told import FIRST, GET_WEATHER, UNKNOWN_MODEL, Weather, play, sources


def answer(question: str) -> dict[str, Any]:
    return {"text": _ask(input=question).output_text}


def stream(question: str) -> dict[str, Any]:
    with client.responses.stream(model=model, input=question) as events:
        pieces = [event.delta for event in events if event.type == "response.output_text.delta"]
        final = events.get_final_response()
    return {"pieces": pieces, "text": final.output_text}


def tool(question: str) -> dict[str, Any]:
    weather = Weather()
    tools = [{"type": "function", "strict": None, **GET_WEATHER}]
    response = _ask(input=question, tools=tools)
    while calls := [item for item in response.output if item.type == "function_call"]:
        results = [_result(weather, call) for call in calls]
        response = _ask(input=results, tools=tools, previous_response_id=response.id)
    return {"calls": weather.calls, "text": response.output_text}


def next_turn(question: str) -> dict[str, Any]:
    first = _ask(input=FIRST)
    return {"text": _ask(input=question, previous_response_id=first.id).output_text}


def citations(question: str) -> dict[str, Any]:
    response = _ask(input=question)
    return {"text": response.output_text, "sources": _sources(response)}


def error(question: str) -> dict[str, Any]:
    try:
        _ask(input=question, model=UNKNOWN_MODEL)
    except openai.NotFoundError as raised:
        return {"status": raised.status_code, "error": raised.message}
    return {}


def file_search(question: str) -> dict[str, Any]:
    response = _ask(
        input=question,
        tools=[{"type": "file_search", "vector_store_ids": ["ws_1"], "max_num_results": 8}],
        include=["file_search_call.results"],
    )
    searched = [item for item in response.output if item.type == "file_search_call"]
    results = [result for item in searched for result in item.results or []]
    found = [{"title": result.filename, "url": result.file_id} for result in results]
    return {"text": response.output_text, "found": found, "sources": _sources(response)}


def _result(weather: Weather, call: Any) -> dict[str, Any]:
    text = getattr(weather, call.name)(**json.loads(call.arguments))
    return {"type": "function_call_output", "call_id": call.call_id, "output": text}


def _sources(response: Any) -> list[dict[str, str]]:
    said = [part for item in response.output if item.type == "message" for part in item.content]
    return sources([each for part in said for each in part.annotations])


def _ask(**options: Any) -> Any:
    return client.responses.create(**{"model": model, **options})


play(
    answer=answer,
    stream=stream,
    tool=tool,
    next_turn=next_turn,
    citations=citations,
    error=error,
    file_search=file_search,
)
