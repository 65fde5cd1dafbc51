from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.support.openai_schema import (
    check_chunk,
    check_completion,
    check_error,
    check_model,
    check_model_list,
)

CITATION = {
    "type": "url_citation",
    "url_citation": {"url": "https://x.test/a", "title": "A", "start_index": 4, "end_index": 7},
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
COMPLETION: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "logprobs": None,
            "message": {
                "role": "assistant",
                "content": "Yes [1]",
                "refusal": None,
                "annotations": [CITATION],
            },
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}
CHUNK: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": None, "delta": {"content": "Hi"}}],
}
ERROR: dict[str, Any] = {
    "error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}
}
MODEL: dict[str, Any] = {"id": "m", "object": "model", "created": 1, "owned_by": "o"}

MISSING = object()
"""The value that means: take the key away."""


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy of `body` with one value replaced; `path` is dotted, numbers index lists."""
    copy = deepcopy(body)
    *parents, last = (int(key) if key.isdigit() else key for key in path.split("."))
    place: Any = copy
    for key in parents:
        place = place[key]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return copy


MESSAGE = "choices.0.message"
DETAILS = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
TOKEN = {"token": "a", "logprob": -0.5, "bytes": None, "top_logprobs": []}


def calling(call: dict[str, Any], finish_reason: str = "tool_calls") -> dict[str, Any]:
    body = changed(COMPLETION, f"{MESSAGE}.tool_calls", [call])
    return changed(body, "choices.0.finish_reason", finish_reason)


@pytest.mark.parametrize(
    "body",
    [
        COMPLETION,
        changed(COMPLETION, "vendor_extra", {"any": "thing"}),
        changed(COMPLETION, "service_tier", None),
        changed(COMPLETION, f"{MESSAGE}.reasoning_content", "hm"),
        changed(COMPLETION, "choices.0.logprobs", {"content": [TOKEN], "refusal": None}),
        changed(COMPLETION, "usage", DETAILS | {"prompt_tokens_details": {"cached_tokens": 1}}),
        changed(changed(COMPLETION, f"{MESSAGE}.annotations", []), f"{MESSAGE}.content", None),
        calling(CALL),
        calling(CALL, "length"),
        calling({"id": "c", "type": "custom", "custom": {"name": "f", "input": ""}}),
    ],
)
def test_a_valid_completion_passes(body: dict[str, Any]) -> None:
    check_completion(body)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("id", MISSING, "'id' is a required property"),
        ("object", "chat.completion.chunk", "'chat.completion' was expected"),
        ("created", 1.5, "not of type 'integer'"),
        ("created", True, "not of type 'integer'"),
        ("model", None, "not of type 'string'"),
        ("system_fingerprint", None, "not of type 'string'"),
        ("service_tier", "gold", "not one of"),
        ("choices", [], "not exactly one choice"),
        ("choices.0.index", 1, "not exactly one choice"),
        ("choices.0.finish_reason", None, "not one of"),
        ("choices.0.finish_reason", "eos", "not one of"),
        ("choices.0.finish_reason", "tool_calls", "without a tool call"),
        ("choices.0.logprobs", MISSING, "'logprobs' is a required property"),
        ("choices.0.logprobs", {"content": None}, "'refusal' is a required property"),
        ("choices.0.logprobs", {"content": [{"token": "a"}], "refusal": None}, "'logprob'"),
        (f"{MESSAGE}.role", "user", "'assistant' was expected"),
        (f"{MESSAGE}.content", MISSING, "'content' is a required property"),
        (f"{MESSAGE}.refusal", MISSING, "'refusal' is a required property"),
        (f"{MESSAGE}.annotations", None, "not of type 'array'"),
        (f"{MESSAGE}.annotations.0.type", "file_citation", "'url_citation' was expected"),
        (f"{MESSAGE}.annotations.0.url_citation.url", None, "not of type 'string'"),
        (f"{MESSAGE}.annotations.0.url_citation.title", MISSING, "'title' is a required"),
        (f"{MESSAGE}.annotations.0.url_citation.start_index", -1, "citation [-1, 7)"),
        (f"{MESSAGE}.annotations.0.url_citation.start_index", 7, "citation [7, 7)"),
        (f"{MESSAGE}.annotations.0.url_citation.end_index", 8, "citation [4, 8) in 7"),
        (f"{MESSAGE}.tool_calls", None, "not of type 'array'"),
        (f"{MESSAGE}.tool_calls", [CALL], "finish_reason 'stop' with tool calls"),
        (f"{MESSAGE}.function_call", None, "not of type 'object'"),
        ("usage", MISSING, "usage is missing"),
        ("usage", None, "not of type 'object'"),
        ("usage.total_tokens", MISSING, "'total_tokens' is a required property"),
        ("usage.prompt_tokens_details", None, "not of type 'object'"),
        ("usage.completion_tokens_details", {"reasoning_tokens": None}, "not of type 'integer'"),
        ("sources", [], "Open WebUI acts on"),
        ("event", {}, "Open WebUI acts on"),
        ("selected_model_id", "m", "Open WebUI acts on"),
    ],
)
def test_a_broken_completion_is_found(path: str, value: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_completion(changed(COMPLETION, path, value))
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (CALL | {"id": ""}, "tool call id of 0 characters"),
        (CALL | {"id": "x" * 41}, "tool call id of 41 characters"),
        (CALL | {"type": "tool"}, "not one of"),
        (CALL | {"function": {"name": "f"}}, "'arguments' is a required property"),
        (CALL | {"function": {"name": "f", "arguments": {}}}, "not of type 'string'"),
        ({"id": "c", "type": "custom"}, "'custom' is a required property"),
    ],
)
def test_a_broken_tool_call_is_found(call: dict[str, Any], reason: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_completion(calling(call))
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "chunk",
    [
        CHUNK,
        changed(CHUNK, "usage", None),
        changed(CHUNK, "choices", []),
        changed(CHUNK, "choices.0.delta", {}),
        changed(CHUNK, "choices.0.delta.tool_calls", [{"index": 0}]),
        changed(CHUNK, "choices.0.delta.annotations", [CITATION]),
    ],
)
def test_a_valid_chunk_passes(chunk: dict[str, Any]) -> None:
    check_chunk(chunk)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("created", MISSING, "'created' is a required property"),
        ("object", "chat.completion", "'chat.completion.chunk' was expected"),
        ("choices.0.finish_reason", MISSING, "'finish_reason' is a required property"),
        ("choices.0.finish_reason", "", "not valid under any"),
        ("choices.0.delta", MISSING, "'delta' is a required property"),
        ("choices.0.index", 1, "choices have the indexes [1]"),
        ("choices", [CHUNK["choices"][0]] * 2, "choices have the indexes [0, 0]"),
        ("choices.0.delta.role", None, "not one of"),
        ("choices.0.delta.tool_calls", None, "not of type 'array'"),
        ("choices.0.delta.tool_calls", [{"id": "c"}], "'index' is a required property"),
        ("choices.0.delta.tool_calls", [{"index": 0, "id": None}], "not of type 'string'"),
        ("choices.0.delta.tool_calls", [{"index": 0, "type": None}], "'function' was expected"),
        ("choices.0.delta.annotations", [{}], "'type' is a required property"),
        ("usage", {}, "not valid under any"),
        ("sources", [], "Open WebUI acts on"),
    ],
)
def test_a_broken_chunk_is_found(path: str, value: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_chunk(changed(CHUNK, path, value))
    assert reason in str(caught.value)


def test_a_valid_error_passes() -> None:
    check_error(ERROR)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("error", "INSUFFICIENT QUOTA", "not of type 'object'"),
        ("error.message", MISSING, "'message' is a required property"),
        ("error.type", None, "not of type 'string'"),
        ("error.param", MISSING, "'param' is a required property"),
        ("error.code", MISSING, "'code' is a required property"),
        ("error.code", 404, "not of type 'string', 'null'"),
        ("choices", [], "choices key"),
    ],
)
def test_a_broken_error_is_found(path: str, value: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_error(changed(ERROR, path, value))
    assert reason in str(caught.value)


def test_a_valid_model_and_a_list_of_models_pass() -> None:
    check_model(MODEL)
    check_model_list({"object": "list", "data": [MODEL, MODEL | {"id": "n"}]})


@pytest.mark.parametrize("key", ["id", "object", "created", "owned_by"])
def test_a_broken_model_is_found(key: str) -> None:
    with pytest.raises(AssertionError, match=f"'{key}' is a required property"):
        check_model(changed(MODEL, key, MISSING))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"data": []}, "'object' is a required property"),
        ({"object": "list", "data": None}, "not of type 'array'"),
        ({"object": "list", "data": [{}]}, "'id' is a required property"),
        ({"object": "list", "data": [MODEL, MODEL]}, "listed twice"),
    ],
)
def test_a_broken_list_of_models_is_found(body: dict[str, Any], reason: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_model_list(body)
    assert reason in str(caught.value)


def test_a_body_that_is_no_object_is_found() -> None:
    for check in (check_completion, check_chunk, check_error, check_model, check_model_list):
        with pytest.raises(AssertionError, match="not of type 'object'"):
            check([])
