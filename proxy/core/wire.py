"""OpenAI's chat format as types: requests, the chunks of a reply, and a whole reply.

The types name the fields that the proxy reads or writes. All others pass through, so a dict of one
of these types may hold more. Whoever takes JSON in checks its shape first: `proxy.core.chat` for
clients, an upstream's reader for replies. Where a field may be null, the reader treats null as
absent. The SDK of OpenAI has types like these, but the proxy runs without it.

`TypedDict` is that of `typing_extensions`: pydantic reads kept turns by these types, and takes no
other before Python 3.12.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Required

from typing_extensions import TypedDict

# Requests


class Part(TypedDict, total=False):
    """One part of a message's content. The client's own parts pass unchecked."""

    type: str
    text: str


Content = str | list[Part] | None


class Function(TypedDict, total=False):
    """The function of a tool call. `arguments` is the text that the model wrote."""

    name: str
    arguments: str


class MessageCall(TypedDict, total=False):
    """A tool call of an assistant message."""

    id: Required[str]
    type: str
    function: Function


class Message(TypedDict, total=False):
    role: Required[str]
    content: Content
    name: str
    tool_calls: list[MessageCall] | None
    tool_call_id: str
    """In a tool message: the call that it answers."""
    reasoning_content: str
    """In an assistant message: what the model thought before it spoke."""
    reasoning: str
    """Another name for `reasoning_content`, which some clients send back."""


class FunctionDefinition(TypedDict, total=False):
    name: Required[str]
    description: str
    parameters: Mapping[str, object]
    """A JSON schema."""


class Tool(TypedDict, total=False):
    """A tool that the model may call. Other kinds than `function` have no `function`."""

    type: Required[str]
    function: FunctionDefinition


class FunctionName(TypedDict):
    name: str


class NamedTool(TypedDict):
    """The `tool_choice` that makes the model call one tool."""

    type: Literal["function"]
    function: FunctionName


class StreamOptions(TypedDict, total=False):
    include_usage: bool


class ChatRequest(TypedDict, total=False):
    model: str
    messages: list[Message]
    tools: list[Tool]
    tool_choice: str | NamedTool
    parallel_tool_calls: bool
    max_completion_tokens: int
    max_tokens: int
    response_format: Mapping[str, object]
    stream: bool
    stream_options: StreamOptions


# What chunks and whole replies share


class Usage(TypedDict, total=False):
    """Token counts. A vendor may add counts, and objects of counts."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: dict[str, int] | None


class TokenLogprob(TypedDict, total=False):
    token: str


class Logprobs(TypedDict, total=False):
    content: list[TokenLogprob] | None
    refusal: list[TokenLogprob] | None


class UrlCitation(TypedDict):
    url: str
    title: str
    start_index: int
    end_index: int


class Annotation(TypedDict):
    type: Literal["url_citation"]
    url_citation: UrlCitation


# Chunks


class Fragment(TypedDict, total=False):
    """A piece of a tool call. Id and name come in the first one, arguments in all."""

    index: int
    id: str
    type: str
    function: Function


class Delta(TypedDict, total=False):
    role: str
    content: str
    reasoning_content: str
    reasoning: str
    """Another name for `reasoning_content`, which no client gets to see."""
    refusal: str
    audio: Mapping[str, object]
    tool_calls: list[Fragment]
    function_call: Function
    """The old form of a tool call: see `proxy.core.old_replies`."""
    annotations: list[Annotation]


class Choice(TypedDict, total=False):
    index: int
    delta: Delta
    finish_reason: str | None
    logprobs: Logprobs | None


class Chunk(TypedDict, total=False):
    """One `chat.completion.chunk` object."""

    id: str
    object: str
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None
    service_tier: str | None
    system_fingerprint: str | None


# Whole replies


class CompletionMessage(TypedDict, total=False):
    role: str
    content: str | None
    reasoning_content: str
    refusal: str | None
    annotations: list[Annotation]
    tool_calls: list[MessageCall]
    function_call: Function


class CompletionChoice(TypedDict, total=False):
    index: int
    message: CompletionMessage
    finish_reason: str | None
    logprobs: Logprobs | None


class Completion(TypedDict, total=False):
    """A `chat.completion` object."""

    id: str
    object: str
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage


class Model(TypedDict):
    """One entry of the list of models."""

    id: str
    object: str
    created: int
    owned_by: str
