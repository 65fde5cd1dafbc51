from __future__ import annotations

from typing import Any

import pytest
from openai.types import chat as sdk
from openai.types import completion_usage, model
from openai.types.chat import chat_completion, chat_completion_chunk, chat_completion_message
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from openai.types.shared_params import FunctionDefinition
from pydantic import BaseModel

from proxy.core import wire

PAIRS: list[tuple[type, Any, set[str]]] = [
    (wire.ChatRequest, CompletionCreateParamsStreaming, set()),
    (wire.StreamOptions, sdk.ChatCompletionStreamOptionsParam, set()),
    (wire.Tool, sdk.ChatCompletionFunctionToolParam, set()),
    (wire.NamedTool, sdk.ChatCompletionNamedToolChoiceParam, set()),
    (wire.FunctionDefinition, FunctionDefinition, set()),
    (wire.MessageCall, sdk.ChatCompletionMessageFunctionToolCallParam, set()),
    (wire.Part, sdk.ChatCompletionContentPartTextParam, set()),
    (wire.Chunk, sdk.ChatCompletionChunk, set()),
    (wire.Choice, chat_completion_chunk.Choice, set()),
    (
        wire.Delta,
        chat_completion_chunk.ChoiceDelta,
        {"annotations", "reasoning", "reasoning_content"},
    ),
    (wire.Fragment, chat_completion_chunk.ChoiceDeltaToolCall, set()),
    (wire.Function, chat_completion_chunk.ChoiceDeltaToolCallFunction, set()),
    (wire.Logprobs, chat_completion_chunk.ChoiceLogprobs, set()),
    (wire.TokenLogprob, sdk.ChatCompletionTokenLogprob, set()),
    (wire.Completion, sdk.ChatCompletion, set()),
    (wire.CompletionChoice, chat_completion.Choice, set()),
    (wire.CompletionMessage, sdk.ChatCompletionMessage, {"reasoning_content"}),
    (wire.Annotation, chat_completion_message.Annotation, set()),
    (wire.UrlCitation, chat_completion_message.AnnotationURLCitation, set()),
    (wire.Usage, completion_usage.CompletionUsage, set()),
    (wire.Model, model.Model, set()),
]
"""Each type with that of OpenAI's SDK, and the fields that the SDK's type lacks."""


def fields_of(theirs: Any) -> set[str]:
    is_model = issubclass(theirs, BaseModel) if isinstance(theirs, type) else False
    return set(theirs.model_fields if is_model else theirs.__annotations__)


@pytest.mark.parametrize(
    ("ours", "theirs", "more"), PAIRS, ids=[each[0].__name__ for each in PAIRS]
)
def test_the_types_name_the_fields_that_openai_has(ours: type, theirs: Any, more: set[str]) -> None:
    assert set(ours.__annotations__) - fields_of(theirs) == more


def test_messages_have_the_fields_of_some_role() -> None:
    roles = (
        sdk.ChatCompletionSystemMessageParam,
        sdk.ChatCompletionUserMessageParam,
        sdk.ChatCompletionAssistantMessageParam,
        sdk.ChatCompletionToolMessageParam,
    )
    more = set(wire.Message.__annotations__).difference(*map(fields_of, roles))
    assert more == {"reasoning", "reasoning_content"}
