"""The bodies of requests: what the proxy checks of them. All other fields pass.

Types are those of the checks themselves. A body that a schema here refuses is an error 400.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proxy.core.chat import (
    FIELD_TYPES,
    MAX_CALLS,
    MAX_MESSAGES,
    MAX_NAME_CHARS,
    MAX_PARTS,
    MAX_TOOLS,
    ROLES,
)
from proxy.core.checks import Types
from proxy.core.names import FIELD
from proxy.core.responses.fields import FIELD_TYPES as RESPONSE_TYPES
from proxy.core.responses.fields import INCLUDABLE
from proxy.core.store_search import MOST_QUERIES, MOST_RESULTS
from proxy.schemas.items import item_schemas
from proxy.schemas.parts import (
    Schema,
    const,
    either,
    flag,
    number,
    of_types,
    or_null,
    record,
    ref,
    some,
    table,
    text,
    whole,
)

_MODEL: Final = or_null(
    text("A profile, or a model. GET /v1/models lists both.", maxLength=MAX_NAME_CHARS)
)
_STREAM: Final = or_null(flag("Whether the answer comes as server-sent events."))
_METADATA: Final = or_null(
    table(
        {"type": "string", "maxLength": 512},
        "At most 16 texts of your own, by name; the response repeats them.",
    )
)


def request_schemas() -> dict[str, Schema]:
    return {
        "ChatRequest": _chat(),
        "Message": _message(),
        "Tool": _tool(),
        "ResponseRequest": _response(),
        "ResponseTool": _response_tool(),
        **item_schemas(),
        "EmbeddingRequest": _embedding(),
        "RerankRequest": _rerank(),
        "StoreSearchRequest": _store_search(),
        "Filter": _filter(),
    }


def _checked(types: Mapping[str, Types]) -> dict[str, Schema]:
    return {name: of_types(each) for name, each in types.items()}


def _chat() -> Schema:
    fields = {
        **_checked(FIELD_TYPES),
        "messages": some(ref("Message"), minItems=1, maxItems=MAX_MESSAGES),
        "model": _MODEL,
        "n": or_null(whole("Each request gets one grounded answer.", minimum=1, maximum=1)),
        "stream": _STREAM,
        "tools": or_null(some(ref("Tool"), maxItems=MAX_TOOLS)),
        "tool_choice": either(
            text(enum=["none", "auto", "required"]),
            {"type": "object"},
            {"type": "null"},
            about="Which tools the model may or must call; as an object, one function or "
            "`allowed_tools`.",
        ),
        FIELD: ref("Wish"),
    }
    about = "A chat as OpenAI's API takes it. Fields that are not named here reach the model."
    optional = " ".join(name for name in fields if name != "messages")
    return record(fields, about, optional=optional)


def _message() -> Schema:
    function = record({"name": text(), "arguments": text()}, optional="arguments")
    call = record({"id": text(), "type": text(), "function": function}, optional="type function")
    parts = some({}, "Text and images.", maxItems=MAX_PARTS)
    fields = {
        "role": text(enum=list(ROLES)),
        "content": {**either({"type": ["string", "null"]}, parts)},
        "tool_calls": or_null(some(call, maxItems=MAX_CALLS)),
        "tool_call_id": {"description": "In a tool's message: the call that it answers."},
    }
    answer: Schema = {
        "if": {"properties": {"role": const("tool")}},
        "then": {"properties": {"tool_call_id": text()}, "required": ["tool_call_id"]},
    }
    return {**record(fields, optional="content tool_calls tool_call_id"), **answer}


def _tool() -> Schema:
    function = record(
        {
            "name": text(minLength=1, maxLength=MAX_NAME_CHARS),
            "description": {},
            "parameters": {"description": "A JSON schema."},
        },
        optional="description parameters",
    )
    return record({"type": {}, "function": function}, optional="type function")


def _response() -> Schema:
    fields = {
        **_checked(RESPONSE_TYPES),
        "background": {"enum": [False, None], "description": "Nothing runs in the background."},
        "input": {
            **either({"type": ["string", "null"]}, some(ref("InputItem"), maxItems=MAX_MESSAGES)),
            "description": "A text, or items: messages, calls, results of calls, thoughts.",
        },
        "model": _MODEL,
        "include": or_null(some(text(enum=list(INCLUDABLE)), maxItems=100)),
        "max_output_tokens": or_null(whole(minimum=1)),
        "max_tool_calls": or_null(whole("The most searches of the answer.", minimum=1)),
        "metadata": {**_METADATA, "maxProperties": 16},
        "previous_response_id": or_null(text("The stored response to go on from.", maxLength=512)),
        "stream": _STREAM,
        "tools": or_null(some(ref("ResponseTool"), maxItems=MAX_TOOLS)),
        "truncation": either(text(enum=["auto", "disabled"]), {"type": "null"}),
        FIELD: ref("Wish"),
    }
    made = record(fields, "A request of OpenAI's Responses API.", optional=" ".join(fields))
    return {**made, "anyOf": [{"required": ["input"]}, {"required": ["previous_response_id"]}]}


def _response_tool() -> Schema:
    search = record(
        {
            "type": const("file_search"),
            "vector_store_ids": some(
                text(pattern="^ws_(0|[1-9][0-9]{0,17})$"),
                "`ws_42` is the workspace 42.",
                minItems=1,
                maxItems=1_000,
            ),
            "max_num_results": or_null(whole(minimum=1, maximum=50)),
            "filters": either(ref("Filter"), {"type": "null"}),
            "ranking_options": _ranking(),
        },
        "The search of this proxy, narrowed to these stores.",
        optional="max_num_results filters ranking_options",
    )
    search["additionalProperties"] = False
    function = record(
        {
            "type": text(enum=["function", "custom", "namespace"]),
            "name": text(),
            "description": of_types((str,)),
        },
        optional="description",
    )
    return either(search, function)


def _ranking() -> Schema:
    ranker = text("`none` leaves out the scoring of relevance.", pattern="^(none$|auto|default)")
    options = record(
        {
            "ranker": or_null(ranker),
            "score_threshold": or_null(number(minimum=0, maximum=1)),
            "hybrid_search": {"description": "It is passed over."},
        },
        optional="ranker score_threshold hybrid_search",
    )
    return {**or_null(options), "additionalProperties": False}


def _embedding() -> Schema:
    fields = {
        "model": text("A model of the upstream's, no profile.", minLength=1, maxLength=256),
        "input": either(text(minLength=1), some({}), about="A text, or several."),
        "encoding_format": {"description": "`float` or `base64`."},
    }
    return record(fields, "It is passed on as it is.", optional="encoding_format")


def _rerank() -> Schema:
    fields = {
        "model": text("A model of the upstream's, no profile.", minLength=1, maxLength=256),
        "query": text(minLength=1),
        "documents": some({}),
        "top_n": {"description": "How many of them to return."},
    }
    return record(fields, "It is passed on as it is.", optional="top_n")


def _store_search() -> Schema:
    query = text(minLength=1, pattern=r"\S")
    fields = {
        "query": either(query, some(query, minItems=1, maxItems=MOST_QUERIES)),
        "filters": either(ref("Filter"), {"type": "null"}),
        "max_num_results": or_null(whole(minimum=1, maximum=MOST_RESULTS)),
        "ranking_options": _ranking(),
        "rewrite_query": or_null(flag("No query is rewritten here.")),
        FIELD: ref("Wish"),
    }
    made = record(fields, "Each query is one search.", optional=" ".join([*fields][1:]))
    return {**made, "additionalProperties": False}


def _filter() -> Schema:
    """The shape alone: which filters can be applied is told where one cannot."""
    kinds = ["eq", "in", "gt", "gte", "lt", "lte", "and", "or"]
    fields = {
        "type": text(enum=kinds),
        "key": text("The name of an attribute."),
        "value": {"description": "A text, a number, a truth value; for `in`, an array of them."},
        "filters": some(ref("Filter"), "For `and` and `or`.", minItems=1),
    }
    made = record(
        fields,
        "A filter of attributes: a comparison, or several joined. What LightOn's search cannot "
        "say, such as `ne`, is an error 400.",
        optional="key value filters",
    )
    return {**made, "additionalProperties": False}
