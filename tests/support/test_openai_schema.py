from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from fnmatch import fnmatch
from typing import Any

import pytest

from tests.support.openai_schema import (
    check_chunk,
    check_completion,
    check_error,
    check_model,
    check_model_list,
)

Body = dict[str, Any]
Check = Callable[[Any], None]

CITATION = {
    "type": "url_citation",
    "url_citation": {"url": "https://x.test/a", "title": "A", "start_index": 4, "end_index": 7},
}
TOKEN = {
    "token": "a",
    "logprob": -0.5,
    "bytes": [97],
    "top_logprobs": [
        {"token": "a", "logprob": -0.5, "bytes": [97]},
        {"token": "b", "logprob": -0.9, "bytes": None},
    ],
}
USAGE = {
    "prompt_tokens": 1,
    "completion_tokens": 2,
    "total_tokens": 3,
    "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 1},
    "completion_tokens_details": {
        "accepted_prediction_tokens": 0,
        "audio_tokens": 0,
        "reasoning_tokens": 1,
        "rejected_prediction_tokens": 0,
    },
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CUSTOM_CALL = {"id": "call_2", "type": "custom", "custom": {"name": "g", "input": "x"}}
ENVELOPE = {"id": "c-1", "created": 1, "model": "m"}
OPTIONAL_ENVELOPE = {"service_tier": "default", "system_fingerprint": "fp", "usage": USAGE}

COMPLETION: Body = ENVELOPE | {
    "object": "chat.completion",
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
CHUNK: Body = ENVELOPE | {
    "object": "chat.completion.chunk",
    "choices": [{"index": 0, "finish_reason": None, "delta": {"content": "Hi"}}],
}
ERROR: Body = {"error": {"message": "no", "type": "server_error", "param": "p", "code": "c"}}
MODEL: Body = {"id": "m", "object": "model", "created": 1, "owned_by": "o"}

MISSING = object()
"""The value that means: take the key away."""


def changed(body: Body, path: str, value: Any) -> Body:
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


def calling(call: Body, finish_reason: str = "tool_calls") -> Body:
    body = changed(COMPLETION, f"{MESSAGE}.tool_calls", [call])
    return changed(body, "choices.0.finish_reason", finish_reason)


# Samples with every field of the published schema, to break one field at a time.

FULL_COMPLETION = changed(COMPLETION | OPTIONAL_ENVELOPE, "choices.0.finish_reason", "tool_calls")
FULL_COMPLETION["choices"][0]["logprobs"] = {"content": [TOKEN], "refusal": [TOKEN]}
FULL_COMPLETION["choices"][0]["message"] |= {
    "tool_calls": [CALL, CUSTOM_CALL],
    "function_call": {"name": "f", "arguments": "{}"},
    "audio": {"id": "a", "expires_at": 1, "data": "", "transcript": ""},
}
FULL_CHUNK = deepcopy(CHUNK | OPTIONAL_ENVELOPE)
FULL_CHUNK["choices"][0]["logprobs"] = {"content": [TOKEN], "refusal": []}
FULL_CHUNK["choices"][0]["delta"] |= {
    "role": "assistant",
    "refusal": None,
    "tool_calls": [{"index": 0} | CALL],
    "function_call": {"name": "f", "arguments": "{}"},
    "annotations": [CITATION],
}
FULL: dict[str, tuple[Check, Body]] = {
    "completion": (check_completion, FULL_COMPLETION),
    "chunk": (check_chunk, FULL_CHUNK),
    "error": (check_error, ERROR),
    "model": (check_model, MODEL),
    "models": (check_model_list, {"object": "list", "data": [MODEL]}),
}

# Places by pattern; a star stands for any part of a path.
OPTIONAL = {
    "completion": "service_tier system_fingerprint usage.*_details* "
    "*.function_call *.audio *.annotations",
    "chunk": "service_tier system_fingerprint usage usage.*_details* *.logprobs *.delta.role "
    "*.delta.content *.delta.refusal *.delta.annotations *.delta.function_call* "
    "*.delta.tool_calls *.tool_calls.0.id *.tool_calls.0.type *.tool_calls.0.function*",
}
NULLABLE = {
    "completion": "service_tier *.logprobs *.logprobs.content *.logprobs.refusal *.bytes "
    "*.message.content *.message.refusal *.message.audio",
    "chunk": "service_tier usage *.logprobs *.logprobs.content *.logprobs.refusal *.bytes "
    "*.delta.content *.delta.refusal *.finish_reason",
    "error": "error.param error.code",
}
OTHER_TYPE: dict[type, Any] = {str: 1, int: "1", float: "1", dict: [], list: {}, type(None): 0}


def fields(value: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value in a body with its dotted path."""
    items = enumerate(value) if isinstance(value, list) else value.items()
    for key, inner in items:
        yield f"{above}{key}", inner
        if isinstance(inner, (dict, list)):
            yield from fields(inner, f"{above}{key}.")


VALUES = [(kind, path, value) for kind, (_, body) in FULL.items() for path, value in fields(body)]
"""Every value in the full samples: the kind of body, the path, the value."""


def keys(places: dict[str, str], *, inside: bool) -> list[tuple[str, str]]:
    """Return the kind and path of every key that is, or is not, among the places."""
    return [
        (kind, path)
        for kind, path, _ in VALUES
        if not path.rpartition(".")[2].isdigit()
        and inside == any(fnmatch(path, pattern) for pattern in places.get(kind, "").split())
    ]


@pytest.mark.parametrize("kind", FULL)
def test_a_body_with_every_field_passes(kind: str) -> None:
    check, body = FULL[kind]
    check(body)


@pytest.mark.parametrize(("kind", "path", "value"), VALUES)
def test_a_value_of_another_type_is_found(kind: str, path: str, value: Any) -> None:
    check, body = FULL[kind]
    with pytest.raises(AssertionError, match=r"^not a "):
        check(changed(body, path, OTHER_TYPE[type(value)]))


@pytest.mark.parametrize(("kind", "path"), keys(OPTIONAL, inside=False))
def test_a_required_key_that_is_missing_is_found(kind: str, path: str) -> None:
    check, body = FULL[kind]
    with pytest.raises(AssertionError):
        check(changed(body, path, MISSING))


@pytest.mark.parametrize(("kind", "path"), keys(OPTIONAL, inside=True))
def test_an_optional_key_may_be_missing(kind: str, path: str) -> None:
    check, body = FULL[kind]
    check(changed(body, path, MISSING))


@pytest.mark.parametrize(("kind", "path"), keys(NULLABLE, inside=False))
def test_null_is_found_where_a_value_must_be(kind: str, path: str) -> None:
    check, body = FULL[kind]
    with pytest.raises(AssertionError):
        check(changed(body, path, None))


@pytest.mark.parametrize(("kind", "path"), keys(NULLABLE, inside=True))
def test_null_may_stand_for_a_nullable_value(kind: str, path: str) -> None:
    check, body = FULL[kind]
    body = changed(body, f"{MESSAGE}.annotations", []) if kind == "completion" else body
    check(changed(body, path, None))


@pytest.mark.parametrize(
    "body",
    [
        COMPLETION,
        COMPLETION | {"vendor_extra": {"any": "thing"}},
        changed(COMPLETION, f"{MESSAGE}.reasoning_content", "hm"),
        calling(CALL),
        calling(CALL, "length"),
        calling(CUSTOM_CALL),
    ],
)
def test_a_valid_completion_passes(body: Body) -> None:
    check_completion(body)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("object", "chat.completion.chunk", "'chat.completion' was expected"),
        ("created", 1.5, "not of type 'integer'"),
        ("created", True, "not of type 'integer'"),
        ("service_tier", "gold", "not one of"),
        ("choices", [], "not exactly one choice"),
        ("choices", COMPLETION["choices"] * 2, "not exactly one choice"),
        ("choices.0.index", 1, "not exactly one choice"),
        ("choices.0.finish_reason", "eos", "not one of"),
        ("choices.0.finish_reason", "tool_calls", "without a tool call"),
        (f"{MESSAGE}.role", "user", "'assistant' was expected"),
        (f"{MESSAGE}.annotations.0.type", "file_citation", "'url_citation' was expected"),
        (f"{MESSAGE}.annotations.0.url_citation.start_index", -1, "citation [-1, 7)"),
        (f"{MESSAGE}.annotations.0.url_citation.start_index", 7, "citation [7, 7)"),
        (f"{MESSAGE}.annotations.0.url_citation.end_index", 8, "citation [4, 8) in 7"),
        (f"{MESSAGE}.content", None, "citation [4, 7) in 0"),
        (f"{MESSAGE}.tool_calls", [CALL], "finish_reason 'stop' with tool calls"),
        ("usage", MISSING, "usage is missing"),
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
        (CALL | {"type": "custom"}, "'custom' is a required property"),
    ],
)
def test_a_broken_tool_call_is_found(call: Body, reason: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_completion(calling(call))
    assert reason in str(caught.value)


@pytest.mark.parametrize("delta", [{}, {"tool_calls": [{"index": 0}]}, {"content": None}])
def test_a_valid_chunk_passes(delta: Body) -> None:
    check_chunk(changed(CHUNK, "choices.0.delta", delta))
    check_chunk(changed(CHUNK, "choices", []))


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("object", "chat.completion", "'chat.completion.chunk' was expected"),
        ("choices.0.finish_reason", "", "not valid under any"),
        ("choices.0.index", 1, "choices have the indexes [1]"),
        ("choices", CHUNK["choices"] * 2, "choices have the indexes [0, 0]"),
        ("choices.0.delta.role", "function", "not one of"),
        ("choices.0.delta.tool_calls", [{"index": 0, "type": "x"}], "'function' was expected"),
        ("sources", [], "Open WebUI acts on"),
    ],
)
def test_a_broken_chunk_is_found(path: str, value: Any, reason: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_chunk(changed(CHUNK, path, value))
    assert reason in str(caught.value)


def test_an_error_with_choices_is_found() -> None:
    with pytest.raises(AssertionError, match="choices key"):
        check_error(ERROR | {"choices": []})


def test_a_model_that_is_listed_twice_is_found() -> None:
    check_model_list({"object": "list", "data": [MODEL, MODEL | {"id": "n"}]})
    with pytest.raises(AssertionError, match="listed twice"):
        check_model_list({"object": "list", "data": [MODEL, MODEL]})


@pytest.mark.parametrize("check", [check for check, _ in FULL.values()])
def test_a_body_that_is_no_object_is_found(check: Check) -> None:
    with pytest.raises(AssertionError, match="not of type 'object'"):
        check([])


def test_the_message_names_every_place_at_fault() -> None:
    with pytest.raises(AssertionError) as caught:
        check_model({"id": 1, "object": "model"})
    assert "$.id: 1 is not of type 'string'" in str(caught.value)
    assert "'owned_by' is a required property" in str(caught.value)
