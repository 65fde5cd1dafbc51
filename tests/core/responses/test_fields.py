from __future__ import annotations

from typing import Any, get_args

import pytest
from openai.types.responses import response_create_params
from openai.types.responses.response_includable import ResponseIncludable

from proxy.core.responses.fields import check_fields
from proxy.errors import BadRequest
from proxy.upstreams.lighton.wish import WISHES
from tests.core.responses.samples import chat, fault, read

OPENAIS = frozenset(response_create_params.ResponseCreateParamsBase.__annotations__)


def test_every_field_of_openai_may_be_null() -> None:
    assert chat(**{name: None for name in OPENAIS if name != "input"}).body == {}


@pytest.mark.parametrize("name", sorted(OPENAIS - {"input", "tool_choice"}))
def test_no_field_of_openai_reads_like_one_that_narrows(name: str) -> None:
    """Those that are passed over today may not become refusals by their names."""
    try:
        read(**{name: {}})
    except BadRequest as error:
        assert "Did you mean" not in error.message  # noqa: PT017 - it may be refused otherwise


@pytest.mark.parametrize("value", get_args(ResponseIncludable))
def test_whatever_openai_can_include_may_be_asked_for(value: str) -> None:
    assert read(include=[value]).include == {value}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"background": True}, "background"),
        ({"background": "yes"}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"context_management": []}, "context_management"),
        ({"moderation": {}}, "moderation"),
    ],
)
def test_what_is_not_supported_is_named(fields: Any, param: str) -> None:
    assert fault(**fields).param == param


def test_in_the_background_is_only_refused_where_it_is_asked_for() -> None:
    assert chat(background=False).body == {}


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("messages", "input"),
        ("max_tokens", "max_output_tokens"),
        ("response_format", "text.format"),
        ("reasoning_effort", "reasoning.effort"),
        ("functions", "tools"),
    ],
)
def test_a_field_of_a_chat_is_refused_with_its_place_here(name: str, ours: str) -> None:
    refused = fault(**{name: []})
    assert refused.param == name
    assert refused.message.endswith(f"Here it is '{ours}'.")


@pytest.mark.parametrize(
    ("name", "value", "nothing"),
    [
        ("n", 2, 1),
        ("stop", ["."], []),
        ("logprobs", True, False),
        ("logit_bias", {"1": 5}, {}),
        ("frequency_penalty", 0.5, 0),
        ("presence_penalty", -1, 0.0),
    ],
)
def test_a_field_of_a_chat_that_is_not_here_is_refused_if_it_asks_for_something(
    name: str, value: Any, nothing: Any
) -> None:
    assert fault(**{name: value}).param == name
    read(**{name: nothing})
    read(**{name: None})


@pytest.mark.parametrize(
    "fields",
    [{"model": 1}, {"input": 1}, {"tools": {}}, {"stream": "yes"}, {"temperature": "1"}],
    ids=str,
)
def test_a_field_of_another_type_is_named(fields: Any) -> None:
    assert fault(**fields).param == next(iter(fields))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"lightonn": {}}, "lightonn"),
        ({"Lighton": {}}, "Lighton"),
        ({"workspace_id": [1]}, "workspace_id"),
        ({"Model": "docs"}, "Model"),
        ({"toolChoice": "none"}, "toolChoice"),
        ({"extra_body": {"lighton": {}}}, "extra_body"),
        ({"lighton": {"workspaces": [1]}}, "lighton.workspaces"),
        ({"lighton": 1}, "lighton"),
    ],
)
def test_a_field_that_is_nearly_one_that_narrows_is_refused(fields: Any, param: str) -> None:
    assert fault(**fields).param == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_tool_calls": 0}, "max_tool_calls"),
        ({"max_tool_calls": True}, "max_tool_calls"),
        ({"truncation": "some"}, "truncation"),
        ({"include": ["everything"]}, "include[0]"),
        ({"include": ["file_search_call.results", None]}, "include[1]"),
        ({"include": ["file_search_call.results"] * 101}, "include"),
        ({"reasoning": {"effort": 1}}, "reasoning.effort"),
        ({"reasoning": {"summary": {}}}, "reasoning.summary"),
        ({"reasoning": {"summary": "long"}}, "reasoning.summary"),
        ({"reasoning": {"generate_summary": "long"}}, "reasoning.generate_summary"),
        ({"reasoning": {"context": []}}, "reasoning.context"),
        ({"reasoning": {"context": "none"}}, "reasoning.context"),
        ({"reasoning": {"mode": {}}}, "reasoning.mode"),
        ({"model": "a" * 257}, "model"),
        ({"user": "a" * 513}, "user"),
        ({"previous_response_id": "a" * 513}, "previous_response_id"),
        ({"tools": [{}] * 129}, "tools"),
    ],
)
def test_a_value_that_cannot_be_is_named(fields: Any, param: str) -> None:
    assert fault(**fields).param == param


def test_metadata_has_openais_limits() -> None:
    most = {f"{n:064}": "v" * 512 for n in range(16)}
    assert read(metadata=most).echo["metadata"] == most
    assert fault(metadata={**most, "more": ""}).param == "metadata"
    assert fault(metadata={"a": 1}).param == "metadata.a"
    assert fault(metadata={"a": None}).param == "metadata.a"
    assert fault(metadata={"a": "v" * 513}).param == "metadata.a"
    assert fault(metadata={"n" * 65: ""}).param == f"metadata.{'n' * 65}"


def test_a_body_is_an_object_of_not_too_many_fields() -> None:
    many = {str(number): 1 for number in range(1_001)}
    documents: tuple[object, ...] = ([], "a", None, many)
    for document in documents:
        with pytest.raises(BadRequest, match="request body"):
            check_fields(document, WISHES)
