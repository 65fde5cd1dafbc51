import json
import re
from typing import Any

import pytest

from proxy.sandbox.scaleway.quirks import prompt_tokens, read
from proxy.sandbox.scaleway.reply import Completion, body, complete, usage

QUESTION = {"role": "user", "content": "How long is the notice period?"}
PASSAGE = {
    "role": "system",
    "content": '<passage n="1">The notice period is three months. Pets are fine.</passage>',
}
ANSWER = "The notice period is three months. [1]"
SEARCH = {"type": "function", "function": {"name": "lighton_search"}}
PAIR = [{"type": "function", "function": {"name": name}} for name in ("add", "sub")]


def completed(*messages: Any, model: str = "llama-3.3-70b-instruct", **fields: Any) -> Completion:
    request, served = read(
        {"model": model, "messages": list(messages or (PASSAGE, QUESTION)), **fields}
    )
    return complete(request, served, completion_id="chatcmpl-1", created=1)


def test_a_reply_is_vllms_with_its_odd_keys() -> None:
    reply = body(completed())
    choice = reply["choices"][0]
    assert choice["message"]["content"] == ANSWER
    assert choice["message"]["tool_calls"] == []
    assert choice["message"]["reasoning_content"] is None
    assert choice["finish_reason"] == "stop"
    assert choice["stop_reason"] is None
    assert choice["token_ids"] is None
    assert reply["kv_transfer_params"] is None
    assert (reply["id"], reply["created"], reply["object"]) == ("chatcmpl-1", 1, "chat.completion")


def test_a_reply_reports_the_model_that_answered() -> None:
    reply = body(completed(model="llama-3.1-8b-instruct"))
    assert reply["model"] == "mistral-small-3.2-24b-instruct-2506"


def test_usage_adds_up() -> None:
    request, _ = read({"model": "llama-3.3-70b-instruct", "messages": [PASSAGE, QUESTION]})
    asked, said = prompt_tokens(request), len(ANSWER.split())
    assert usage(completed()) == {
        "prompt_tokens": asked,
        "completion_tokens": said,
        "total_tokens": asked + said,
        "prompt_tokens_details": None,
    }


@pytest.mark.parametrize(
    ("model", "field"), [("gpt-oss-120b", "reasoning_content"), ("qwen3.5-397b-a17b", "reasoning")]
)
def test_reasoning_travels_under_either_name_and_is_counted(model: str, field: str) -> None:
    completion = completed(model=model)
    reasoning = body(completion)["choices"][0]["message"][field]
    assert "rules" in reasoning
    counted = usage(completion)
    words = len(reasoning.split())
    assert counted["completion_tokens_details"] == {"reasoning_tokens": words}
    assert counted["completion_tokens"] == words + len(ANSWER.split())


def test_calls_have_no_content_and_end_for_their_reason() -> None:
    choice = body(completed(QUESTION, tools=[SEARCH]))["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    (call,) = choice["message"]["tool_calls"]
    assert call["type"] == "function"
    assert call["function"]["name"] == "lighton_search"
    assert json.loads(call["function"]["arguments"]) == {"query": QUESTION["content"]}


@pytest.mark.parametrize(
    ("model", "pattern"),
    [
        ("llama-3.3-70b-instruct", r"chatcmpl-tool-[0-9a-f]{32}"),
        ("mistral-small-3.2-24b-instruct-2506", r"[a-zA-Z0-9]{9}"),
    ],
)
def test_call_ids_have_the_models_form(model: str, pattern: str) -> None:
    both = {"role": "user", "content": "add and sub"}
    first = completed(both, model=model, tools=PAIR)
    ids = [call.id for call in first.calls]
    assert len(set(ids)) == 2
    for each in ids:
        assert re.fullmatch(pattern, each)
    assert first == completed(both, model=model, tools=PAIR)


def test_call_ids_differ_between_conversations() -> None:
    other = {"role": "user", "content": "Another question?"}
    assert (
        completed(QUESTION, tools=[SEARCH]).calls[0].id
        != completed(other, tools=[SEARCH]).calls[0].id
    )


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_text_that_reaches_its_limit_ends_for_its_length(name: str) -> None:
    limit: dict[str, Any] = {name: 3}
    completion = completed(**limit)
    assert (completion.content, completion.finish_reason) == ("The notice period", "length")
    assert completion.completion_tokens == 3


def test_a_limit_that_is_not_reached_changes_nothing() -> None:
    assert completed(max_tokens=len(ANSWER.split())) == completed()


def test_reasoning_is_paid_from_the_same_budget() -> None:
    completion = completed(model="gpt-oss-120b", max_tokens=2)
    assert (completion.reasoning, completion.content) == ("No thinking", "")
    assert completion.finish_reason == "length"
    assert body(completion)["choices"][0]["message"]["content"] is None


def test_a_call_that_reaches_the_limit_is_left_broken() -> None:
    completion = completed(QUESTION, tools=[SEARCH], max_tokens=2)
    assert completion.finish_reason == "length"
    assert completion.calls[0].arguments == '{"query": "How'


def test_a_call_beyond_the_limit_is_not_made() -> None:
    both = {"role": "user", "content": "add and sub"}
    completion = completed(both, tools=PAIR, max_tokens=1)
    assert [call.name for call in completion.calls] == ["add"]
    assert completion.finish_reason == "length"
    assert len(completed(both, tools=PAIR, max_tokens=2).calls) == 2


@pytest.mark.parametrize("stop", ["period", ["three", "period"], ["", "period"]])
def test_a_stop_string_ends_the_text_and_is_named(stop: Any) -> None:
    completion = completed(stop=stop)
    assert (completion.content, completion.stop_reason) == ("The notice ", "period")
    assert completion.finish_reason == "stop"
    assert body(completion)["choices"][0]["stop_reason"] == "period"


@pytest.mark.parametrize("stop", [None, "elephant", []])
def test_a_stop_string_that_does_not_occur_changes_nothing(stop: Any) -> None:
    assert completed(stop=stop) == completed()


def test_log_probabilities_are_given_where_they_are_asked_for() -> None:
    assert body(completed())["choices"][0]["logprobs"] is None
    found = body(completed(logprobs=True))["choices"][0]["logprobs"]["content"]
    assert "".join(each["token"] for each in found) == ANSWER
    assert found[1] == {
        "token": " notice",
        "logprob": 0.0,
        "bytes": list(b" notice"),
        "top_logprobs": [],
    }
