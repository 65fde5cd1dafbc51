from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from tests.support.openai_assemble import assemble, assemble_reply, assemble_with_sdk

Assemble = Callable[[Iterable[Mapping[str, Any]]], dict[str, Any]]

BOTH = pytest.mark.parametrize("build", [assemble, assemble_with_sdk])

CITATION = {
    "type": "url_citation",
    "url_citation": {"url": "https://x.test/a", "title": "A", "start_index": 0, "end_index": 3},
}
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
ENVELOPE: dict[str, Any] = {
    "id": "c-1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
}
TOKENS = [
    {"token": "Hi", "logprob": -0.5, "bytes": None, "top_logprobs": []},
    {"token": " you", "logprob": -0.1, "bytes": [32], "top_logprobs": []},
]


def chunks(*deltas: dict[str, Any], finish: str = "stop") -> list[dict[str, Any]]:
    """Return a whole stream: role first, the deltas, the end, the usage."""
    choices: list[dict[str, Any]] = [
        {"index": 0, "delta": delta, "finish_reason": None, "logprobs": None}
        for delta in ({"role": "assistant", "content": ""}, *deltas)
    ]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish, "logprobs": None})
    stream = [ENVELOPE | {"choices": [choice], "usage": None} for choice in choices]
    return [*stream, ENVELOPE | {"choices": [], "usage": USAGE}]


def reply(message: dict[str, Any], finish: str = "stop") -> dict[str, Any]:
    whole = {"role": "assistant", "content": None, "refusal": None} | message
    choice = {"index": 0, "finish_reason": finish, "logprobs": None, "message": whole}
    return ENVELOPE | {"object": "chat.completion", "choices": [choice], "usage": USAGE}


def fragment(index: int, arguments: str, **start: str) -> dict[str, Any]:
    if not start:
        return {"index": index, "function": {"arguments": arguments}}
    function = {"name": start["name"], "arguments": arguments}
    return {"index": index, "id": start["id"], "type": "function", "function": function}


CALLS = [
    {"id": "call_0", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
    {"id": "call_1", "type": "function", "function": {"name": "g", "arguments": "{}"}},
]
CALL_DELTAS = [
    {"tool_calls": [fragment(0, "", id="call_0", name="f")]},
    {"tool_calls": [fragment(0, '{"a"')]},
    {"tool_calls": [fragment(0, ": 1}"), fragment(1, "{}", id="call_1", name="g")]},
]


@BOTH
@pytest.mark.parametrize(
    ("deltas", "finish", "message"),
    [
        ([{"content": "Hi"}, {"content": " you"}], "stop", {"content": "Hi you"}),
        ([], "stop", {"content": None}),
        ([{"content": ""}, {"content": "Hi"}], "length", {"content": "Hi"}),
        (
            [{"reasoning_content": "h"}, {"reasoning_content": "m"}, {"content": "Hi"}],
            "stop",
            {"content": "Hi", "reasoning_content": "hm"},
        ),
        ([{"refusal": "No"}, {"refusal": "pe"}], "stop", {"refusal": "Nope"}),
        (
            [{"content": "[1]"}, {"annotations": [CITATION]}],
            "stop",
            {"content": "[1]", "annotations": [CITATION]},
        ),
        (CALL_DELTAS, "tool_calls", {"tool_calls": CALLS}),
        (
            [{"content": "Let me"}, *CALL_DELTAS],
            "tool_calls",
            {"content": "Let me", "tool_calls": CALLS},
        ),
    ],
)
def test_a_stream_and_a_reply_that_say_the_same_assemble_to_the_same(
    build: Assemble, deltas: list[dict[str, Any]], finish: str, message: dict[str, Any]
) -> None:
    assert build(chunks(*deltas, finish=finish)) == assemble_reply(reply(message, finish))


@BOTH
def test_logprobs_of_all_chunks_are_joined(build: Assemble) -> None:
    stream = chunks({"content": "Hi"}, {"content": " you"})
    for chunk, token in zip(stream[1:3], TOKENS, strict=True):
        chunk["choices"][0]["logprobs"] = {"content": [token], "refusal": None}
    assert build(stream)["logprobs"] == {"content": TOKENS, "refusal": None}


def test_a_plain_reply_gives_what_a_client_reads_in_it() -> None:
    body = reply({"content": "Hi", "annotations": [CITATION]}) | {"lighton": {"rounds": 1}}
    assert assemble_reply(body) == {
        "id": "c-1",
        "created": 1,
        "model": "m",
        "role": "assistant",
        "content": "Hi",
        "reasoning_content": None,
        "refusal": None,
        "tool_calls": [],
        "annotations": [CITATION],
        "finish_reason": "stop",
        "logprobs": None,
        "usage": USAGE,
        "lighton": {"rounds": 1},
    }


def test_the_trace_of_the_searches_is_taken_from_the_chunk_that_has_it() -> None:
    stream = chunks({"content": "Hi"})
    stream[-2]["lighton"] = {"rounds": 2}
    assert assemble(stream)["lighton"] == {"rounds": 2}


@BOTH
@pytest.mark.parametrize("key", ["role", "id", "name"])
def test_what_is_said_twice_is_heard_twice(build: Assemble, key: str) -> None:
    stream = chunks(*CALL_DELTAS, finish="tool_calls")
    repeats: dict[str, dict[str, Any]] = {
        "role": {"role": "assistant"},
        "id": {"tool_calls": [{"index": 0, "id": "call_0", "function": {}}]},
        "name": {"tool_calls": [{"index": 0, "function": {"name": "f"}}]},
    }
    choice = {"index": 0, "delta": repeats[key], "finish_reason": None}
    stream.insert(-2, ENVELOPE | {"choices": [choice]})
    heard = build(stream)
    said = {"role": heard["role"], **heard["tool_calls"][0]}[key]
    assert said == {"role": "assistantassistant", "id": "call_0call_0", "name": "ff"}[key]


def test_a_hole_in_the_numbering_of_tool_calls_breaks_both_readings() -> None:
    stream = chunks({"tool_calls": [fragment(1, "{}", id="call_1", name="g")]})
    for build in (assemble, assemble_with_sdk):
        with pytest.raises(IndexError):
            build(stream)


def test_a_second_delta_of_annotations_breaks_the_sdk() -> None:
    stream = chunks({"annotations": [CITATION]}, {"annotations": [CITATION]})
    with pytest.raises(RuntimeError, match="index"):
        assemble_with_sdk(stream)
