"""What spans tell of a client's parameters."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.telemetry.span_parameters import of_parameters


def test_numbers_are_told_by_the_names_of_the_conventions() -> None:
    asked = {
        "temperature": 0,
        "top_p": 0.9,
        "frequency_penalty": -1.5,
        "presence_penalty": 1,
        "max_tokens": 100,
        "seed": 7,
        "stop": ["END"],
        "user": "ada",
    }
    told = of_parameters(asked)
    assert told == {
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.frequency_penalty": -1.5,
        "gen_ai.request.presence_penalty": 1.0,
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.seed": 7,
    }
    assert type(told["gen_ai.request.temperature"]) is float


def test_the_newer_name_of_the_most_tokens_wins() -> None:
    told = of_parameters({"max_tokens": 1, "max_completion_tokens": 2})
    assert told == {"gen_ai.request.max_tokens": 2}


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"type": "text"}, "text"),
        ({"type": "json_object"}, "json"),
        ({"type": "json_schema", "json_schema": {"name": "secret"}}, "json"),
    ],
)
def test_the_form_of_the_answer_is_told_by_its_kind(form: Any, told: str) -> None:
    assert of_parameters({"response_format": form}) == {"gen_ai.output.type": told}


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"temperature": None, "seed": None, "response_format": None},
        {"temperature": "hot", "max_tokens": "many", "seed": 1.5, "response_format": "json"},
        {"temperature": True, "seed": True, "max_tokens": [1]},
        {"temperature": 2**63, "seed": 2**63, "max_tokens": -(2**63)},
        {"response_format": {"type": "grammar"}},
        {"response_format": {"type": ["json_object"]}},
    ],
)
def test_what_is_not_as_it_should_be_is_not_told(asked: dict[str, Any]) -> None:
    assert of_parameters(asked) == {}
