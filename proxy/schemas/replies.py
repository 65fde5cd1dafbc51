"""The replies. Those that the core writes come from the very types that it is checked with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from proxy.core.names import FIELD
from proxy.core.responses.wire import Event, ResponseObject
from proxy.core.responses.wire import Item as AnyItem
from proxy.core.wire import Chunk, Completion, Model
from proxy.schemas.lists import list_schemas
from proxy.schemas.parts import (
    Schema,
    const,
    flag,
    number,
    or_null,
    record,
    ref,
    some,
    table,
    text,
    whole,
)
from proxy.schemas.report import report_schemas

_TYPES: Final[Mapping[str, Any]] = {
    "Completion": Completion,
    "Chunk": Chunk,
    "Model": Model,
    "ResponseObject": ResponseObject,
    "Event": Event,
    "Item": AnyItem,
}
_REQUIRED: Final[Mapping[str, str]] = {
    "Completion": "id object created model choices usage",
    "CompletionChoice": "index message finish_reason logprobs",
    "CompletionMessage": "role content refusal",
    "Chunk": "id object created model choices",
    "Choice": "index delta finish_reason",
    "Usage": "prompt_tokens completion_tokens total_tokens",
    "Fragment": "index",
    "ResponseObject": "id object created_at status error incomplete_details model output usage "
    "instructions metadata parallel_tool_calls temperature text tool_choice tools top_p",
    "Event": "type sequence_number",
}
"""What is always there. The types do not say so: while a reply grows, it is not yet."""
_CONST: Final[Mapping[str, Mapping[str, Schema]]] = {
    "Completion": {"object": const("chat.completion")},
    "CompletionMessage": {"role": const("assistant")},
    "Chunk": {"object": const("chat.completion.chunk")},
    "Model": {"object": const("model")},
}
_PREFIXES: Final[Mapping[str, str]] = {
    "proxy__core__responses__wire__": "Response",
    "proxy__core__wire__": "",
}
"""How pydantic tells apart two types of one name, and what stands here instead."""


def reply_schemas() -> dict[str, Schema]:
    return {**_of_types(), **report_schemas(), **list_schemas(), **_others()}


def _of_types() -> dict[str, Schema]:
    adapters = [(name, "serialization", TypeAdapter(each)) for name, each in _TYPES.items()]
    made, document = TypeAdapter.json_schemas(
        adapters,  # type: ignore[arg-type]
        ref_template="#/components/schemas/{model}",
    )
    found = {**document["$defs"]}
    found |= {name: each for (name, _), each in made.items() if name not in found}
    named = {_named(name): _renamed(each) for name, each in found.items()}
    for name, required in _REQUIRED.items():
        named[name]["required"] = required.split()
    for name, fields in _CONST.items():
        named[name]["properties"] |= fields
    for name in ("Completion", "Chunk", "ResponseObject"):
        named[name]["properties"][FIELD] = ref("Report")
    return named


def _renamed(schema: Any) -> Any:
    if isinstance(schema, list):
        return list(map(_renamed, schema))
    if not isinstance(schema, dict):
        return schema
    read = {name: _renamed(each) for name, each in schema.items() if not _is_title(name, each)}
    if isinstance(target := read.get("$ref"), str):
        place, _, name = target.rpartition("/")
        read["$ref"] = f"{place}/{_named(name)}"
    return read


def _is_title(name: str, value: object) -> bool:
    return name == "title" and isinstance(value, str)


def _named(name: str) -> str:
    for prefix, instead in _PREFIXES.items():
        if name.startswith(prefix):
            return instead + name.removeprefix(prefix)
    return name


def _others() -> dict[str, Schema]:
    error = {"message": text(), "type": text(), "param": or_null(text()), "code": or_null(text())}
    health = {"status": text(enum=["ok", "stopping", "unavailable"]), "upstreams": table(text())}
    return {
        "Error": record({"error": record(error)}, "Every error has this shape."),
        "Health": record(health, "In words, what each upstream says.", optional="upstreams"),
        "Deleted": record(
            {"id": text(), "object": const("response"), "deleted": flag()}, "It is gone."
        ),
        "Embeddings": record(
            {
                "object": const("list"),
                "data": some(
                    record(
                        {
                            "object": const("embedding"),
                            "index": whole(),
                            "embedding": {"anyOf": [some(number()), text()]},
                        }
                    )
                ),
                "model": text(),
            }
        ),
        "Ranking": record(
            {"results": some(record({"index": whole(), "relevance_score": number()}))}
        ),
        "UsageOfKey": _usage(),
    }


def _usage() -> Schema:
    sums = table(or_null(number()), "Counts, and what they cost if all prices are known.")
    fields = {
        "object": const("usage"),
        "key": or_null(text()),
        "person": or_null(text()),
        "since": or_null(text()),
        "currency": const("EUR"),
        "total": sums,
        "days": some(record({"day": text()})),
        "models": some(record({"model": or_null(text())})),
    }
    return record(fields, "What this key, or the person behind it, has used.")
