from __future__ import annotations

from typing import Any

import pytest
from openai.types import responses as sdk
from openai.types.responses import (
    response,
    response_file_search_tool_call,
    response_input_item,
    response_output_text,
    response_reasoning_item,
    response_usage,
)

from proxy.core.responses import wire

PAIRS: list[tuple[type, Any, set[str]]] = [
    (wire.InputText, sdk.ResponseInputText, set()),
    (wire.InputImage, sdk.ResponseInputImage, set()),
    (wire.OutputText, sdk.ResponseOutputText, set()),
    (wire.Refusal, sdk.ResponseOutputRefusal, set()),
    (wire.UrlCitation, response_output_text.AnnotationURLCitation, set()),
    (wire.FileCitation, response_output_text.AnnotationFileCitation, set()),
    (wire.MessageItem, sdk.ResponseOutputMessage, set()),
    (wire.MessageItem, sdk.ResponseInputMessageItem, set()),
    (wire.FunctionCall, sdk.ResponseFunctionToolCall, set()),
    (wire.FunctionCallOutput, sdk.ResponseFunctionToolCallOutputItem, set()),
    (wire.CustomToolCall, sdk.ResponseCustomToolCallItem, set()),
    (wire.CustomToolCallOutput, sdk.ResponseCustomToolCallOutputItem, set()),
    (wire.ReasoningItem, sdk.ResponseReasoningItem, set()),
    (wire.SummaryText, response_reasoning_item.Summary, set()),
    (wire.ReasoningText, response_reasoning_item.Content, set()),
    (wire.FileSearchCall, sdk.ResponseFileSearchToolCall, set()),
    (wire.SearchResult, response_file_search_tool_call.Result, set()),
    (wire.ItemReference, response_input_item.ItemReference, set()),
    (wire.ResponseUsage, sdk.ResponseUsage, set()),
    (wire.InputTokensDetails, response_usage.InputTokensDetails, set()),
    (wire.OutputTokensDetails, response_usage.OutputTokensDetails, set()),
    (wire.ResponseError, sdk.ResponseError, set()),
    (wire.IncompleteDetails, response.IncompleteDetails, set()),
    (wire.ResponseObject, sdk.Response, {"store"}),
]
"""Each type with that of OpenAI's SDK, and the fields that the SDK's type lacks."""

EVENTS = (
    sdk.ResponseCreatedEvent,
    sdk.ResponseOutputItemAddedEvent,
    sdk.ResponseContentPartAddedEvent,
    sdk.ResponseTextDeltaEvent,
    sdk.ResponseTextDoneEvent,
    sdk.ResponseRefusalDoneEvent,
    sdk.ResponseOutputTextAnnotationAddedEvent,
    sdk.ResponseFunctionCallArgumentsDoneEvent,
    sdk.ResponseCustomToolCallInputDoneEvent,
    sdk.ResponseReasoningSummaryTextDeltaEvent,
    sdk.ResponseErrorEvent,
)


def pytest_id(each: object) -> str:
    return getattr(each, "__name__", "")


@pytest.mark.parametrize(("ours", "theirs", "more"), PAIRS, ids=pytest_id)
def test_the_types_name_the_fields_that_openai_has(ours: type, theirs: Any, more: set[str]) -> None:
    assert set(ours.__annotations__) - set(theirs.model_fields) == more


def test_events_have_the_fields_of_some_event_of_openai() -> None:
    theirs: set[str] = set().union(*(each.model_fields for each in EVENTS))
    assert set(wire.Event.__annotations__) ^ theirs == {"name"}
