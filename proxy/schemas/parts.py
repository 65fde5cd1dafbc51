"""Small pieces that schemas are written with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from proxy.core.checks import Types

Schema = dict[str, Any]

_KINDS: Final[Mapping[type, str]] = {
    bool: "boolean",
    dict: "object",
    float: "number",
    int: "integer",
    list: "array",
    str: "string",
}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def text(about: str = "", **more: Any) -> Schema:
    return _about({"type": "string", **more}, about)


def whole(about: str = "", **more: Any) -> Schema:
    return _about({"type": "integer", **more}, about)


def number(about: str = "", **more: Any) -> Schema:
    return _about({"type": "number", **more}, about)


def flag(about: str = "") -> Schema:
    return _about({"type": "boolean"}, about)


def const(value: str) -> Schema:
    return {"type": "string", "const": value}


def some(items: Schema, about: str = "", **more: Any) -> Schema:
    return _about({"type": "array", "items": items, **more}, about)


def table(values: Schema | bool, about: str = "") -> Schema:  # noqa: FBT001 - JSON Schema's own word
    """An object with any keys."""
    return _about({"type": "object", "additionalProperties": values}, about)


def record(fields: Mapping[str, Schema], about: str = "", *, optional: str = "") -> Schema:
    """An object with these fields, and maybe others. `optional` names those that may be absent."""
    absent = optional.split()
    required = [name for name in fields if name not in absent]
    made = {"type": "object", "properties": dict(fields), "required": required}
    return _about(made, about)


def either(*schemas: Schema, about: str = "") -> Schema:
    return _about({"anyOf": list(schemas)}, about)


def or_null(schema: Schema) -> Schema:
    """As the schema says, or null."""
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema and "const" not in schema:
        return {**schema, "type": [kind, "null"]}
    about = {"description": schema["description"]} if "description" in schema else {}
    return {"anyOf": [schema, {"type": "null"}], **about}


def of_types(types: Types) -> Schema:
    """What a check of types lets through: one of them, or null, which counts as absent."""
    names = [_KINDS[each] for each in types]
    if "number" in names:
        names.remove("integer")
    return {"type": [*names, "null"]}


def _about(schema: Schema, about: str) -> Schema:
    return {**schema, "description": about} if about else schema
