"""OpenAI's Responses format as types: items, the response object, and the events of a stream.

As in `proxy.core.wire`, the types name the fields that the proxy reads or writes, and a dict of one
of these types may hold more. Whoever takes JSON in checks its shape first.

An item is one step of a conversation: a message, a call, the result of a call, thoughts, a search.
Items of a request and items of a reply have the same types: a client sends back what it got.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NotRequired

from typing_extensions import TypedDict

from proxy.core.wire import TokenLogprob

# Parts of a message


class InputText(TypedDict):
    type: Literal["input_text"]
    text: str


class InputImage(TypedDict):
    type: Literal["input_image"]
    image_url: str
    """An address, or a `data:` URL that holds the image."""
    detail: str


class UrlCitation(TypedDict):
    """Cites a web address. The places count characters of the part's text."""

    type: Literal["url_citation"]
    url: str
    title: str
    start_index: int
    end_index: int


class FileCitation(TypedDict):
    """Cites a document. `index` is the place in the part's text that the citation stands at."""

    type: Literal["file_citation"]
    file_id: str
    filename: str
    index: int


Annotation = UrlCitation | FileCitation


class OutputText(TypedDict):
    type: Literal["output_text"]
    text: str
    annotations: list[Annotation]
    logprobs: NotRequired[list[TokenLogprob]]


class Refusal(TypedDict):
    type: Literal["refusal"]
    refusal: str


InputPart = InputText | InputImage
OutputPart = OutputText | Refusal
Part = InputPart | OutputPart

# Items

Status = Literal["in_progress", "completed", "incomplete"]


class MessageItem(TypedDict):
    """A message. Those of the assistant have output parts, all others input parts."""

    type: Literal["message"]
    id: str
    role: Literal["user", "system", "developer", "assistant"]
    status: Status
    content: list[Part]


class FunctionCall(TypedDict):
    """A call of a client's function tool. Its result names `call_id`, not `id`."""

    type: Literal["function_call"]
    id: str
    call_id: str
    name: str
    namespace: NotRequired[str]
    """The namespace that the client has put the tool in."""
    arguments: str
    status: Status


class FunctionCallOutput(TypedDict):
    type: Literal["function_call_output"]
    id: str
    call_id: str
    output: str | list[Part]
    status: Status


class CustomToolCall(TypedDict):
    """A call of a client's custom tool, which takes free text."""

    type: Literal["custom_tool_call"]
    id: str
    call_id: str
    name: str
    namespace: NotRequired[str]
    input: str
    status: Status


class CustomToolCallOutput(TypedDict):
    type: Literal["custom_tool_call_output"]
    id: str
    call_id: str
    output: str | list[Part]
    status: Status


class SummaryText(TypedDict):
    type: Literal["summary_text"]
    text: str


class ReasoningText(TypedDict):
    type: Literal["reasoning_text"]
    text: str


class ReasoningItem(TypedDict):
    type: Literal["reasoning"]
    id: str
    summary: list[SummaryText]
    content: NotRequired[list[ReasoningText]]
    encrypted_content: NotRequired[str | None]
    status: NotRequired[Status]


class SearchResult(TypedDict, total=False):
    """A passage that a search found."""

    file_id: str
    filename: str
    score: float
    text: str
    attributes: Mapping[str, str | float | bool] | None


class FileSearchCall(TypedDict):
    """A search of the proxy's own. No client answers it."""

    type: Literal["file_search_call"]
    id: str
    queries: list[str]
    status: Literal["in_progress", "searching", "completed", "incomplete", "failed"]
    results: NotRequired[list[SearchResult] | None]
    """Only where the request includes `file_search_call.results`."""


class ItemReference(TypedDict):
    """Stands in a request for an item that the proxy has stored."""

    type: Literal["item_reference"]
    id: str


OutputItem = MessageItem | FunctionCall | CustomToolCall | ReasoningItem | FileSearchCall
Item = OutputItem | FunctionCallOutput | CustomToolCallOutput
Given = Item | ItemReference
"""What a request may hold as an item."""

# The response object


class InputTokensDetails(TypedDict):
    cache_write_tokens: int
    cached_tokens: int


class OutputTokensDetails(TypedDict):
    reasoning_tokens: int


class ResponseUsage(TypedDict):
    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int


class ResponseError(TypedDict):
    code: str
    """One of OpenAI's: the SDKs' types list them."""
    message: str
    type: str
    param: str | None


class IncompleteDetails(TypedDict):
    reason: Literal["max_output_tokens", "content_filter"]


class ResponseObject(TypedDict, total=False):
    """A `response` object. The fields after `usage` repeat those of the request."""

    id: str
    object: Literal["response"]
    created_at: int
    completed_at: int | None
    status: Literal["in_progress", "completed", "incomplete", "failed"]
    error: ResponseError | None
    incomplete_details: IncompleteDetails | None
    model: str
    output: list[OutputItem]
    usage: ResponseUsage | None
    background: bool
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    metadata: Mapping[str, str]
    parallel_tool_calls: bool
    previous_response_id: str | None
    prompt_cache_key: str | None
    reasoning: Mapping[str, object]
    safety_identifier: str | None
    service_tier: str
    store: bool
    temperature: float
    text: Mapping[str, object]
    tool_choice: str | Mapping[str, object]
    tools: list[Mapping[str, object]]
    top_logprobs: int
    top_p: float
    truncation: str
    user: str | None


# Events


class Event(TypedDict, total=False):
    """An event of a stream. All have a type and a number; the type says which others it has."""

    type: str
    sequence_number: int
    response: ResponseObject
    item: OutputItem
    item_id: str
    output_index: int
    content_index: int
    summary_index: int
    annotation_index: int
    annotation: Annotation
    part: OutputPart | SummaryText | ReasoningText
    delta: str
    logprobs: list[TokenLogprob]
    text: str
    refusal: str
    name: str
    """Of the tool whose arguments are complete: SDKs up to version 2 want it."""
    arguments: str
    input: str
    code: str | None
    """Of an `error` event, like the two that follow."""
    message: str
    param: str | None
