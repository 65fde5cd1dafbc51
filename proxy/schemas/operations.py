"""The routes of the API, each with what it takes and gives. A new route is described here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from proxy.schemas.parts import Schema, ref, some, text, whole
from proxy.schemas.reply_headers import SEARCHED, TIMED, WITHIN_LIMITS
from proxy.schemas.wishes import headers, narrowing_header

_JSON: Final = "application/json"
_STREAM: Final = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method of one path does."""

    method: str
    path: str
    name: str
    """By which generators of clients name their functions."""
    summary: str
    gives: Mapping[str, Schema]
    """A reply that went well: its schema by media type."""
    takes: str = ""
    """The schema of the body, if there is one."""
    parameters: tuple[Schema, ...] = ()
    is_open: bool = False
    """Whether it needs no key."""
    tells: tuple[str, ...] = ()
    """Headers of such a reply."""
    also: tuple[int, ...] = ()
    """Other statuses with the same reply."""


def _json(name: str) -> dict[str, Schema]:
    return {_JSON: ref(name)}


def _events(name: str, whole_reply: str) -> dict[str, Schema]:
    about = f"Server-sent events. The data of each is a `{name}` as JSON; an error ends the stream."
    return {_JSON: ref(whole_reply), _STREAM: text(about)}


def _in_path(name: str, about: str) -> Schema:
    schema = {"type": "string", "minLength": 1}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": about,
        "schema": schema,
    }


def _query(name: str, about: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "description": about, "schema": schema}


_PAGE: Final = (
    _query("limit", "The most entries.", whole(minimum=1, maximum=100, default=20)),
    _query("order", "The oldest, or the newest first.", text(enum=["asc", "desc"])),
    _query("after", "Only those after the one with this id.", text()),
    _query("before", "Only those before the one with this id.", text()),
)
_INCLUDE: Final = _query("include", "Nothing is added to what was stored.", some(text()))
_RESPONSE: Final = _in_path("response_id", "As the reply of POST /v1/responses has it.")
_STORE: Final = _in_path("store_id", "`ws_42` is the workspace 42.")
_FILE: Final = _in_path("file_id", "LightOn's number of the document.")
_STATE: Final = _query(
    "filter",
    "Only those in this state.",
    text(enum=["in_progress", "completed", "failed", "cancelled"]),
)

OPERATIONS: Final = (
    Operation(
        "POST",
        "/v1/chat/completions",
        "createChatCompletion",
        "Answer a chat from documents, with citations",
        _events("Chunk", "Completion"),
        "ChatRequest",
        tuple(headers()),
        tells=SEARCHED,
    ),
    Operation(
        "POST",
        "/v1/responses",
        "createResponse",
        "The same as a response of OpenAI's Responses API",
        _events("Event", "ResponseObject"),
        "ResponseRequest",
        tuple(headers()),
        tells=SEARCHED,
    ),
    Operation(
        "GET",
        "/v1/responses/{response_id}",
        "getResponse",
        "A stored response",
        _json("ResponseObject"),
        parameters=(_RESPONSE, _INCLUDE),
        tells=WITHIN_LIMITS,
    ),
    Operation(
        "DELETE",
        "/v1/responses/{response_id}",
        "deleteResponse",
        "Delete a stored response",
        _json("Deleted"),
        parameters=(_RESPONSE,),
        tells=WITHIN_LIMITS,
    ),
    Operation(
        "GET",
        "/v1/responses/{response_id}/input_items",
        "listInputItems",
        "The items of the request of a stored response",
        _json("ItemList"),
        parameters=(_RESPONSE, *_PAGE, _INCLUDE),
        tells=WITHIN_LIMITS,
    ),
    Operation(
        "POST",
        "/v1/responses/{response_id}/cancel",
        "cancelResponse",
        "Refused: nothing runs in the background",
        {},
        parameters=(_RESPONSE,),
    ),
    Operation(
        "POST",
        "/v1/embeddings",
        "createEmbeddings",
        "Vectors of texts, by a model of the upstream's",
        _json("Embeddings"),
        "EmbeddingRequest",
        tells=TIMED,
    ),
    Operation(
        "POST",
        "/v1/rerank",
        "rerank",
        "Rank texts by a question, by a model of the upstream's",
        _json("Ranking"),
        "RerankRequest",
        tells=TIMED,
    ),
    Operation(
        "GET",
        "/v1/models",
        "listModels",
        "The profiles and models that the client may name",
        _json("ModelList"),
    ),
    Operation(
        "GET",
        "/v1/models/{model}",
        "getModel",
        "One of them",
        _json("Model"),
        parameters=(_in_path("model", "A profile or a model."),),
    ),
    Operation(
        "GET",
        "/v1/usage",
        "getUsage",
        "What this key, or the person behind it, has used",
        _json("UsageOfKey"),
        parameters=(
            _query("since", "From the beginning of this day (UTC) on.", text(format="date")),
        ),
        tells=WITHIN_LIMITS,
    ),
    Operation(
        "GET",
        "/v1/vector_stores",
        "listVectorStores",
        "The workspaces that the client may search",
        _json("VectorStoreList"),
        parameters=(*_PAGE, *narrowing_header()),
        tells=WITHIN_LIMITS,
    ),
    Operation(
        "GET",
        "/v1/vector_stores/{store_id}",
        "getVectorStore",
        "One of them",
        _json("VectorStore"),
        parameters=(_STORE, *narrowing_header()),
        tells=WITHIN_LIMITS,
    ),
    Operation(
        "POST",
        "/v1/vector_stores/{store_id}/search",
        "searchVectorStore",
        "Search a workspace, without a model",
        _json("SearchResults"),
        "StoreSearchRequest",
        (_STORE, *narrowing_header()),
        tells=SEARCHED,
    ),
    Operation(
        "GET",
        "/v1/vector_stores/{store_id}/files",
        "listVectorStoreFiles",
        "Its documents",
        _json("VectorStoreFileList"),
        parameters=(_STORE, *_PAGE, _STATE, *narrowing_header()),
        tells=WITHIN_LIMITS,
    ),
    Operation(
        "GET",
        "/v1/vector_stores/{store_id}/files/{file_id}",
        "getVectorStoreFile",
        "One of them",
        _json("VectorStoreFile"),
        parameters=(_STORE, _FILE, *narrowing_header()),
        tells=TIMED,
    ),
    Operation(
        "GET",
        "/v1/vector_stores/{store_id}/files/{file_id}/content",
        "getVectorStoreFileContent",
        "Its stored text",
        _json("VectorStoreFileContent"),
        parameters=(_STORE, _FILE, *narrowing_header()),
        tells=TIMED,
    ),
    Operation(
        "GET",
        "/v1/files/{file_id}",
        "getFile",
        "A document that the client may search",
        _json("File"),
        parameters=(_FILE, *narrowing_header()),
        tells=TIMED,
    ),
    Operation(
        "GET",
        "/v1/files/{file_id}/content",
        "getFileContent",
        "Its stored text",
        {"text/markdown": text()},
        parameters=(_FILE, *narrowing_header()),
        tells=TIMED,
    ),
    Operation("GET", "/health", "getHealth", "The process is up", _json("Health"), is_open=True),
    Operation(
        "GET",
        "/ready",
        "getReadiness",
        "The upstreams answer, and the server goes on",
        _json("Health"),
        is_open=True,
        also=(503,),
    ),
    Operation(
        "GET",
        "/metrics",
        "getMetrics",
        "Counts and times for Prometheus, for keys made with `--metrics`; only if `metrics` is on",
        {"text/plain": text("In Prometheus' text format, or as OpenMetrics if that is asked for.")},
    ),
    Operation(
        "GET",
        "/openapi.json",
        "getOpenAPI",
        "This document",
        {_JSON: {"type": "object"}},
        is_open=True,
    ),
    Operation(
        "GET",
        "/config.schema.json",
        "getConfigSchema",
        "The JSON Schema of the settings file",
        {"application/schema+json": {"type": "object"}},
        is_open=True,
    ),
)
