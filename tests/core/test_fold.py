from __future__ import annotations

from typing import Any

from proxy.core.fold import Fold
from proxy.core.wire import Chunk, TokenLogprob


def chunk(delta: dict[str, Any], **more: Any) -> Any:
    choice = {"index": 0, "delta": delta, "finish_reason": None, "logprobs": None}
    choice |= more.pop("choice", {})
    top = {"id": "c", "created": 1, "model": "m", "object": "chat.completion.chunk"}
    return {**top, "choices": [choice], **more}


def fold(*chunks: Chunk) -> Any:
    one = Fold()
    for each in chunks:
        one.add(each)
    return one.completion()


def message(*chunks: Chunk) -> Any:
    return fold(*chunks)["choices"][0]["message"]


def test_texts_are_joined() -> None:
    deltas = [{"role": "assistant", "content": "a"}, {"content": "b"}, {"reasoning_content": "r"}]
    folded = message(*(chunk(delta) for delta in deltas), chunk({"refusal": "no"}))
    assert folded["role"] == "assistant"
    assert folded["content"] == "ab"
    assert folded["reasoning_content"] == "r"
    assert folded["refusal"] == "no"


def test_a_message_has_the_nullable_fields() -> None:
    folded = message(chunk({}))
    assert folded == {"role": "assistant", "content": None, "refusal": None, "annotations": []}


def test_fragments_of_calls_are_joined_in_order() -> None:
    first = {"index": 0, "id": "w", "type": "function"}
    folded = message(
        chunk({"tool_calls": [{**first, "function": {"name": "get", "arguments": "{"}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}),
    )
    assert folded["tool_calls"] == [
        {"id": "w", "type": "function", "function": {"name": "get", "arguments": "{}"}}
    ]


def test_the_last_value_of_other_fields_counts() -> None:
    folded = fold(
        chunk({"audio": 1}, choice={"stop_reason": None}, service_tier="a"),
        chunk({"audio": 2}, choice={"stop_reason": 7, "finish_reason": "stop"}, service_tier="b"),
        chunk({}, choice={"stop_reason": None}, lighton={}),
    )
    assert folded["service_tier"] == "b"
    assert folded["lighton"] == {}
    assert folded["choices"][0]["stop_reason"] == 7
    assert folded["choices"][0]["finish_reason"] == "stop"
    assert folded["choices"][0]["message"]["audio"] == 2


def test_logprobs_are_joined() -> None:
    folded = fold(
        chunk({}, choice={"logprobs": {"content": [1], "refusal": None}}),
        chunk({}, choice={"logprobs": {"content": [2], "refusal": None}}),
    )
    assert folded["choices"][0]["logprobs"] == {"content": [1, 2], "refusal": None}
    assert fold(chunk({}))["choices"][0]["logprobs"] is None


def test_usage_comes_from_the_usage_chunk() -> None:
    usage = {"total_tokens": 3}
    folded = fold(chunk({}, usage=None), chunk({}) | {"choices": [], "usage": usage})
    assert folded["usage"] == usage
    assert folded["object"] == "chat.completion"


def test_chunks_are_not_changed_by_those_that_follow() -> None:
    fold = Fold()
    tokens: list[TokenLogprob] = [{"token": "a"}]
    for each in (tokens, [{"token": "b"}], None):
        fold.add(chunk({}, choice={"logprobs": {"content": each}}))
    assert tokens == [{"token": "a"}]
    told = fold.completion()["choices"][0]["logprobs"]
    assert told == {"content": [{"token": "a"}, {"token": "b"}]}
