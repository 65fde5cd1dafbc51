from __future__ import annotations

from typing import Any

import pytest

from proxy.core.wire import Chunk
from proxy.upstreams.scaleway.schema import conform

TOKEN = {"token": "a", "logprob": -0.5}
WHOLE = {**TOKEN, "bytes": None, "top_logprobs": []}


def chunk(delta: dict[str, Any] | None = None, **more: Any) -> Any:
    choice = {"index": 0, "delta": delta, **more.pop("choice", {})}
    return {"model": "m", "choices": [choice], **more}


def delta_of(conformed: Chunk) -> Any:
    return conformed["choices"][0]["delta"]


def test_fields_of_the_schema_pass_and_those_of_a_delta() -> None:
    whole = {"id": "x", "object": "o", "created": 1, "usage": None, "service_tier": "default"}
    choice = {"finish_reason": None, "logprobs": None, "stop_reason": 7}
    given = chunk({"content": "a", "vendor": 1}, choice=choice, **whole)
    assert conform(given) == chunk({"content": "a", "vendor": 1}, choice=choice, **whole)


@pytest.mark.parametrize(
    "name",
    [
        "error",
        "event",
        "kv_transfer_params",
        "lighton",
        "prompt_logprobs",
        "prompt_text",
        "prompt_token_ids",
        "selected_model_id",
        "sources",
        "token_ids",
    ],
)
@pytest.mark.parametrize("value", [None, {}, [1], "text"])
def test_other_fields_of_chunks_and_choices_are_left_out(name: str, value: Any) -> None:
    assert conform(chunk({}, **{name: value})) == chunk({})
    assert conform(chunk({}, choice={name: value})) == chunk({})


@pytest.mark.parametrize("name", ["hidden_states", "prompt_token_ids", "token_ids"])
def test_tokens_and_states_are_left_out_of_deltas(name: str) -> None:
    assert delta_of(conform(chunk({"content": "a", name: [1]}))) == {"content": "a"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("service_tier", "weird"),
        ("service_tier", ["auto"]),
        ("service_tier", {}),
        ("system_fingerprint", 7),
        ("system_fingerprint", None),
    ],
)
def test_values_that_the_schema_does_not_know_are_left_out(name: str, value: Any) -> None:
    assert name not in conform(chunk({}, **{name: value}))


def test_a_fingerprint_passes() -> None:
    assert conform(chunk({}, system_fingerprint="fp"))["system_fingerprint"] == "fp"


def test_annotations_of_the_model_are_left_out() -> None:
    assert delta_of(conform(chunk({"content": "a", "annotations": [{}]}))) == {"content": "a"}


def test_audio_is_an_object_or_left_out() -> None:
    assert delta_of(conform(chunk({"audio": 1}))) == {}
    assert delta_of(conform(chunk({"audio": {"id": "a"}}))) == {"audio": {"id": "a"}}


def test_usage_holds_token_counts_only() -> None:
    usage = {
        "total_tokens": 3,
        "prompt_tokens": "3",
        "cost": 0.5,
        "completion_tokens": 2**64,
        "flag": True,
        "prompt_tokens_details": {"cached_tokens": 1, "audio_tokens": None},
        "completion_tokens_details": [],
        "other_tokens": {"cached_tokens": 1},
        "other_tokens_details": 1,
    }
    assert conform(chunk(usage=usage))["usage"] == {
        "total_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 1},
    }


def test_log_probabilities_get_the_fields_the_schema_demands() -> None:
    many = [{**TOKEN}]
    logprobs = {"content": [{**TOKEN, "top_logprobs": many}], "refusal": None}
    conformed = conform(chunk({}, choice={"logprobs": logprobs}))
    assert conformed["choices"][0]["logprobs"] == {
        "content": [{**WHOLE, "top_logprobs": [{**TOKEN, "bytes": None}]}],
        "refusal": None,
    }


@pytest.mark.parametrize(
    "token",
    ["a", {"token": 1, "logprob": 0}, {**TOKEN, "top_logprobs": 1}, {**TOKEN, "top_logprobs": [1]}],
)
def test_log_probabilities_that_cannot_be_read_are_left_out(token: Any) -> None:
    logprobs = {"content": [token], "refusal": None}
    for unread in (logprobs, {}):
        conformed = conform(chunk({}, choice={"logprobs": unread}))
        assert conformed["choices"][0]["logprobs"] is None


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("arguments", "text"),
    [({"query": "a"}, '{"query":"a"}'), ('{"query', '{"query'), (None, None), (nested(400), "")],
)
def test_arguments_that_came_decoded_become_text(arguments: Any, text: str | None) -> None:
    fragment = {"index": 0, "function": {"name": "f", "arguments": arguments}}
    conformed = delta_of(conform(chunk({"tool_calls": [fragment, {"index": 1}]})))
    assert conformed["tool_calls"][0]["function"]["arguments"] == text
