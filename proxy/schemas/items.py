"""The items of a request's `input`: what the proxy checks of each type of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proxy.core.chat import MAX_NAME_CHARS, MAX_PARTS
from proxy.schemas.parts import (
    Schema,
    const,
    either,
    of_types,
    or_null,
    record,
    ref,
    some,
    text,
)

_COMMON: Final[Mapping[str, Schema]] = {
    "id": or_null(text(maxLength=MAX_NAME_CHARS)),
    "status": of_types((str,)),
}


def item_schemas() -> dict[str, Schema]:
    return {
        "InputItem": either(*_items(), about="A step of the conversation."),
        "InputPart": _input_part(),
        "OutputPart": _output_part(),
    }


def _items() -> list[Schema]:
    told = either(text(), _parts("InputPart"))
    return [
        _message(["user", "system", "developer"], "InputPart"),
        _message(["assistant"], "OutputPart"),
        _call("function_call", "arguments"),
        _call("custom_tool_call", "input"),
        _item("function_call_output", {"call_id": text(minLength=1), "output": told}),
        _item("custom_tool_call_output", {"call_id": text(minLength=1), "output": told}),
        _reasoning(),
        _item(
            "file_search_call",
            {"queries": of_types((list,)), "results": of_types((list,))},
            optional="queries results",
        ),
        _reference(),
    ]


def _item(kind: str, fields: Mapping[str, Schema], *, optional: str = "") -> Schema:
    known = {"type": const(kind), **_COMMON, **fields}
    return record(known, optional=f"id status {optional}")


def _parts(name: str) -> Schema:
    return some(ref(name), maxItems=MAX_PARTS)


def _message(roles: list[str], parts: str) -> Schema:
    fields = {"role": text(enum=roles), "content": either(text(), _parts(parts))}
    made = _item("message", fields, optional="type")
    made["properties"]["type"] = or_null(const("message"))
    return made


def _call(kind: str, written: str) -> Schema:
    fields = {
        "call_id": text(minLength=1),
        "name": text(minLength=1),
        "namespace": or_null(text(maxLength=MAX_NAME_CHARS)),
        written: text(),
    }
    return _item(kind, fields, optional="namespace")


def _reasoning() -> Schema:
    said = or_null(some(record({"text": text()}), maxItems=MAX_PARTS))
    return _item("reasoning", {"summary": said, "content": said}, optional="summary content")


def _reference() -> Schema:
    made = _item(
        "item_reference", {"id": text(minLength=1, maxLength=MAX_NAME_CHARS)}, optional="type"
    )
    made["properties"]["type"] = or_null(const("item_reference"))
    made["required"] = ["id"]
    return made


def _text() -> Schema:
    kinds = ["input_text", "output_text", "text"]
    return record({"type": text(enum=kinds), "text": text()})


def _input_part() -> Schema:
    image = record(
        {
            "type": const("input_image"),
            "image_url": text("An address, or a `data:` URL that holds the image."),
            "detail": of_types((str,)),
            "file_id": {"type": "null"},
        },
        optional="detail file_id",
    )
    return either(_text(), image, about="A text or an image.")


def _output_part() -> Schema:
    refusal = record({"type": const("refusal"), "refusal": text()})
    return either(_text(), refusal, about="What a model has said.")
