"""The texts of an answer in its spans: questions, answers, queries, passages. Only if asked for.

They have the forms of `gen-ai-input-messages.json` and its like in OpenTelemetry's conventions
for generative AI. Attributes cannot hold objects, so they are written as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import orjson

from proxy.core.passages import Result
from proxy.core.timeline import JobRun, ModelRound
from proxy.core.turn import ToolCall, Turn
from proxy.core.wire import Message
from proxy.telemetry.trail import Trail

LONGEST_TEXT: Final = 8_000
"""The most characters of one text. Whole histories would fill the queue of an exporter."""
MOST_MESSAGES: Final = 100
"""The last ones count."""
Texts = Mapping[str, str]
_Part = dict[str, object]


def texts_of_request(trail: Trail | None, *, holds_texts: bool) -> Texts:
    """The question, and what the client has heard."""
    if trail is None or not holds_texts:
        return {}
    texts: dict[str, str] = {}
    if trail.question:
        asked = {"role": "user", "parts": [_text(trail.question)]}
        texts["gen_ai.input.messages"] = _json([asked])
    if trail.answer:
        told = {"role": "assistant", "parts": [_text(trail.answer)], "finish_reason": "stop"}
        texts["gen_ai.output.messages"] = _json([told])
    return texts


def texts_of_round(noted: ModelRound) -> Texts:
    """What the model was shown, and what it said."""
    if noted.asked is None:
        return {}
    texts = {"gen_ai.input.messages": _json(list(map(_message, noted.asked[-MOST_MESSAGES:])))}
    if noted.turn is not None:
        texts["gen_ai.output.messages"] = _json([_said(noted.turn)])
    return texts


def texts_of_job(run: JobRun, asked: Mapping[str, object] | None) -> tuple[Texts, Texts]:
    """What is told of a tool's job, and of what the upstream was asked for it."""
    if run.found is None:
        return {}, {}
    what = asked or {}
    tool, found = {"gen_ai.tool.call.arguments": _json(what)}, {}
    if isinstance(query := what.get("query"), str):
        found["gen_ai.retrieval.query.text"] = _cut(query)
    if run.found:
        documents = _json(list(map(_document, run.found)))
        tool["gen_ai.tool.call.result"] = found["gen_ai.retrieval.documents"] = documents
    return tool, found


def _message(message: Message) -> _Part:
    role, content = message["role"], message.get("content")
    if role == "tool":
        result = _joined(content)
        response = {"type": "tool_call_response", "id": message.get("tool_call_id", "")}
        return {"role": role, "parts": [{**response, "response": _cut(result)}]}
    parts: list[_Part] = []
    if thoughts := message.get("reasoning_content") or message.get("reasoning"):
        parts.append({"type": "reasoning", "content": _cut(str(thoughts))})
    parts += _parts_of(content)
    for call in message.get("tool_calls") or ():
        function = call["function"]
        parts.append(_call(call["id"], function["name"], function["arguments"]))
    return {"role": role, "parts": parts}


def _parts_of(content: object) -> Iterable[_Part]:
    """The parts of a message. Of what is no text, such as an image, only its kind is told."""
    if isinstance(content, str):
        return [_text(content)] if content else []
    given = content if isinstance(content, Sequence) else ()
    parts = (each for each in given if isinstance(each, Mapping))
    return [
        _text(str(each["text"])) if "text" in each else {"type": str(each.get("type", ""))}
        for each in parts
    ]


def _joined(content: object) -> str:
    return "\n".join(str(each.get("content", "")) for each in _parts_of(content))


def _said(turn: Turn) -> _Part:
    parts: list[_Part] = []
    if turn.reasoning:
        parts.append({"type": "reasoning", "content": _cut(turn.reasoning)})
    parts += _parts_of(turn.text)
    parts += map(_of_call, turn.calls)
    return {"role": "assistant", "parts": parts, "finish_reason": turn.finish_reason}


def _of_call(call: ToolCall) -> _Part:
    return _call(call.id, call.name, call.arguments)


def _call(id_: str, name: str, arguments: str) -> _Part:
    return {"type": "tool_call", "id": id_, "name": name, "arguments": _cut(arguments)}


def _document(result: Result) -> _Part:
    where = {"title": result.name, "url": result.url, "page": result.page_start}
    return {
        "id": result.chunk_id,
        "score": result.score or 0.0,
        "content": _cut(result.content or ""),
        "metadata": where,
    }


def _text(text: str) -> _Part:
    return {"type": "text", "content": _cut(text)}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def _json(value: object) -> str:
    return orjson.dumps(value, default=str).decode()
