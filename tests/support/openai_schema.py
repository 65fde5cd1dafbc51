"""Checks of single bodies: OpenAI's published schema, and what this proxy promises beyond it.

`schema/openai.json` holds the structure of the response objects as OpenAI's OpenAPI document
states it (structure, required keys, enums, nullability). It forbids no extra keys, as the original
does not. The promises beyond it are marked below; streams have more rules, in `openai_stream`.
Every check raises AssertionError with the place and the reason.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

KEYS_THAT_CLIENTS_ACT_ON = frozenset({"event", "selected_model_id", "sources"})
"""Top-level keys that make Open WebUI do something else than show an answer."""

MAX_TOOL_CALL_ID = 40
"""Characters; OpenAI rejects longer ids when a client sends them back."""


def check_completion(body: Any) -> None:
    """Check a plain reply: the schema, one choice, usage, valid tool calls and citations."""
    _check("CreateChatCompletionResponse", body)
    check_extras(body)
    assert "usage" in body, "usage is missing: some clients need it"
    assert [choice["index"] for choice in body["choices"]] == [0], "not exactly one choice"
    choice = body["choices"][0]
    message = choice["message"]
    calls = message.get("tool_calls", [])
    check_finish_reason(choice["finish_reason"], has_calls=bool(calls))
    for call in calls:
        check_tool_call_id(call["id"])
    check_citations(message.get("annotations", []), message["content"])


def check_chunk(chunk: Any) -> None:
    """Check one chunk of a stream by itself: the schema, and at most one choice."""
    _check("CreateChatCompletionStreamResponse", chunk)
    check_extras(chunk)
    indexes = [choice["index"] for choice in chunk["choices"]]
    assert indexes in ([], [0]), f"choices have the indexes {indexes}"
    for choice in chunk["choices"]:
        if "annotations" in choice["delta"]:
            _check("Annotations", choice["delta"]["annotations"])


def check_error(body: Any) -> None:
    """Check an error body or the JSON of an error frame: all four keys, and no choices."""
    _check("ErrorResponse", body)
    assert "choices" not in body, "an error has a choices key: clients take it for a chunk"


def check_model(body: Any) -> None:
    _check("Model", body)


def check_model_list(body: Any) -> None:
    """Check a list of models: the schema, and no id twice."""
    _check("ListModelsResponse", body)
    ids = [model["id"] for model in body["data"]]
    assert len(ids) == len(set(ids)), f"model ids are listed twice: {sorted(ids)}"


def check_extras(body: dict[str, Any]) -> None:
    found = KEYS_THAT_CLIENTS_ACT_ON & body.keys()
    assert not found, f"top-level keys that Open WebUI acts on: {sorted(found)}"


def check_tool_call_id(call_id: str) -> None:
    assert 0 < len(call_id) <= MAX_TOOL_CALL_ID, f"tool call id of {len(call_id)} characters"


def check_finish_reason(reason: str, *, has_calls: bool) -> None:
    """Check that tool calls come with the reason that tells a client to run them.

    A round that is cut off by a limit or a filter may end in the middle of a call.
    """
    if has_calls:
        allowed = {"tool_calls", "length", "content_filter"}
        assert reason in allowed, f"finish_reason {reason!r} with tool calls"
    else:
        assert reason != "tool_calls", "finish_reason 'tool_calls' without a tool call"


def check_citations(annotations: list[dict[str, Any]], content: str | None) -> None:
    """Check that every citation marks a non-empty part of the text, counted in characters."""
    length = len(content or "")
    for annotation in annotations:
        citation = annotation["url_citation"]
        start, end = citation["start_index"], citation["end_index"]
        assert 0 <= start < end <= length, f"citation [{start}, {end}) in {length} characters"


def _check(name: str, instance: Any) -> None:
    errors = _validator(name).iter_errors(instance)
    faults = [f"{error.json_path}: {error.message}" for error in errors]
    assert not faults, f"not a {name}: " + "; ".join(faults)


@cache
def _validator(name: str) -> Draft202012Validator:
    text = (Path(__file__).parent / "schema" / "openai.json").read_text("utf-8")
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": json.loads(text)["$defs"]})
