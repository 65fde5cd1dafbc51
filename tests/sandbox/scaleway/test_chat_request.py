from typing import Any

import pytest
from pydantic import ValidationError

from proxy.sandbox.scaleway.chat_request import ChatRequest, Message

QUESTION = {"role": "user", "content": "Hello"}


def request(**fields: Any) -> ChatRequest:
    return ChatRequest.model_validate({"model": "m", "messages": [QUESTION], **fields})


def test_text_is_that_of_a_string_or_of_the_text_parts() -> None:
    parts = [
        {"type": "text", "text": "What is"},
        {"type": "image_url", "image_url": {"url": "data:,"}},
        {"type": "text", "text": "this?"},
    ]
    assert Message.model_validate({"role": "user", "content": parts}).text == "What is\nthis?"
    assert Message.model_validate(QUESTION).text == "Hello"
    assert Message(role="assistant").text == ""


def test_unknown_fields_are_kept() -> None:
    assert request(user="u", n=None).model_extra == {"user": "u", "n": None}


@pytest.mark.parametrize(
    ("fields", "budget"),
    [
        ({}, None),
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 7}, 7),
        ({"max_tokens": 5, "max_completion_tokens": 7}, 7),
    ],
)
def test_either_name_sets_the_token_budget(fields: dict[str, Any], budget: int | None) -> None:
    assert request(**fields).token_budget == budget


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (None, False),
        ({}, False),
        ({"include_usage": False}, False),
        ({"include_usage": True}, True),
    ],
)
def test_usage_in_a_stream_must_be_asked_for(options: Any, *, asked: bool) -> None:
    assert request(stream_options=options).include_usage is asked


@pytest.mark.parametrize("text", ["", "x"])
def test_a_message_may_be_empty(text: str) -> None:
    assert request(messages=[{"role": "user", "content": text}]).messages[0].text == text


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [("temperature", 0, 2), ("top_p", 0.001, 1), ("presence_penalty", -2, 2)],
)
def test_bounds_are_within_the_bounds(name: str, lowest: float, highest: float) -> None:
    for allowed in (lowest, highest):
        assert getattr(request(**{name: allowed}), name) == allowed
    for refused in (lowest - 0.01, highest + 0.01):
        with pytest.raises(ValidationError):
            request(**{name: refused})


def test_a_stream_must_be_asked_for() -> None:
    assert not request().stream


def test_a_tool_without_parameters_has_an_empty_schema() -> None:
    (tool,) = request(tools=[{"type": "function", "function": {"name": "f"}}]).tools or ()
    assert tool.schema_of_arguments == {}


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"messages": []}, ("messages",)),
        ({"messages": [{"content": "no role"}]}, ("messages", 0, "role")),
        ({"messages": [{"role": "robot", "content": "x"}]}, ("messages", 0, "role")),
        ({"messages": "Hello"}, ("messages",)),
        ({"temperature": "warm"}, ("temperature",)),
        ({"temperature": 3}, ("temperature",)),
        ({"max_tokens": 0}, ("max_tokens",)),
        ({"tools": [{"type": "function", "function": {}}]}, ("tools", 0, "function", "name")),
        ({"tools": [{"type": "retrieval", "function": {"name": "f"}}]}, ("tools", 0, "type")),
    ],
)
def test_what_does_not_fit_is_located(fields: dict[str, Any], where: tuple[Any, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        request(**fields)
    assert caught.value.errors()[0]["loc"] == where


def test_allowed_tools_is_a_tool_choice_that_is_not_known() -> None:
    with pytest.raises(ValidationError):
        request(
            tool_choice={"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}
        )
