from __future__ import annotations

from typing import Any

from openai.types.responses import Response

from proxy.core.responses.echo import echo_of
from tests.core.responses.samples import CUSTOM, FILE_SEARCH, FUNCTION

REST: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "output": [],
    "status": "completed",
}


def response(**document: Any) -> Response:
    return Response.model_validate({**REST, **echo_of(document)}, strict=True)


def test_a_response_to_the_smallest_request_has_openais_defaults() -> None:
    assert echo_of({"input": "Hi"}) == {
        "background": False,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "user": None,
    }
    assert response().tools == []


def test_a_response_repeats_what_its_request_asked_for() -> None:
    asked = {
        "instructions": "Be brief.",
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "previous_response_id": "resp_0",
        "store": False,
        "temperature": 0,
        "tool_choice": {"type": "file_search"},
        "user": "u",
    }
    told = echo_of(asked)
    assert {name: value for name, value in told.items() if name in asked} == asked
    assert response(**asked).temperature == 0


def test_objects_are_filled_up() -> None:
    schema = {"type": "json_schema", "name": "n", "schema": {}}
    told = response(reasoning={"effort": "low", "summary": None}, text={"format": schema})
    assert told.reasoning is not None
    assert (told.reasoning.effort, told.reasoning.summary) == ("low", None)
    assert told.text is not None
    assert told.text.verbosity == "medium"
    assert echo_of({"text": {"format": {}}}) == echo_of({})


def test_tools_are_repeated_with_the_fields_that_sdks_need() -> None:
    bare = {"type": "function", "name": "f"}
    assert echo_of({"tools": [bare]})["tools"] == [{**bare, "parameters": None, "strict": None}]
    namespace = {"type": "namespace", "name": "agents", "tools": [FUNCTION]}
    assert echo_of({"tools": [namespace]})["tools"] == [{**namespace, "description": ""}]
    bare_namespace = {"type": "namespace", "name": "agents", "tools": None}
    assert echo_of({"tools": [bare_namespace]})["tools"] == [
        {**bare_namespace, "description": "", "tools": []}
    ]
    described = [{**namespace, "description": "d"}]
    assert echo_of({"tools": described})["tools"] == described
    tools = [FUNCTION, CUSTOM, FILE_SEARCH]
    assert echo_of({"tools": tools})["tools"] == tools
    assert [each.type for each in response(tools=tools).tools] == [
        *("function", "custom", "file_search"),
    ]


def test_nothing_is_cut_from_an_input_whatever_is_asked() -> None:
    assert response(truncation="auto").truncation == "disabled"
    assert response(service_tier="flex").service_tier == "default"
