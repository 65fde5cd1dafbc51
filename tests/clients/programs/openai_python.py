"""openai-python on chat completions."""

from __future__ import annotations

import json
from typing import Any

import openai
from snippet import client, model
from told import FIRST, GET_WEATHER, UNKNOWN_MODEL, Weather, play, sources


def answer(question: str) -> dict[str, Any]:
    return {"text": _ask([{"role": "user", "content": question}]).content}


def stream(question: str) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}]
    chunks = client.chat.completions.create(model=model, messages=messages, stream=True)
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    return {"pieces": [delta.content for delta in deltas if delta.content]}


def tool(question: str) -> dict[str, Any]:
    weather = Weather()
    messages: list[Any] = [{"role": "user", "content": question}]
    tools = [{"type": "function", "function": GET_WEATHER}]
    while (message := _ask(messages, tools=tools)).tool_calls:
        messages.append(message)
        for call in message.tool_calls:
            text = getattr(weather, call.function.name)(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": text})
    return {"calls": weather.calls, "text": message.content}


def next_turn(question: str) -> dict[str, Any]:
    messages: list[Any] = [{"role": "user", "content": FIRST}]
    messages += [_ask(messages), {"role": "user", "content": question}]
    return {"text": _ask(messages).content}


def citations(question: str) -> dict[str, Any]:
    message = _ask([{"role": "user", "content": question}])
    # Versions before 1.66 have no field for them and keep what they do not know.
    return {"text": message.content, "sources": sources(getattr(message, "annotations", None))}


def error(question: str) -> dict[str, Any]:
    try:
        _ask([{"role": "user", "content": question}], model=UNKNOWN_MODEL)
    except openai.NotFoundError as raised:
        return {"status": raised.status_code, "error": raised.message}
    return {}


def embeddings(question: str) -> dict[str, Any]:
    made = client.embeddings.create(model="bge-multilingual-gemma2", input=[question, question])
    return {"vectors": [each.embedding for each in made.data]}


def _ask(messages: Any, **options: Any) -> Any:
    completion = client.chat.completions.create(messages=messages, **{"model": model, **options})
    return completion.choices[0].message


play(
    answer=answer,
    stream=stream,
    tool=tool,
    next_turn=next_turn,
    citations=citations,
    error=error,
    embeddings=embeddings,
)
