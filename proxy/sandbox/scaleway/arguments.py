"""Arguments for a tool call, filled in from its JSON schema and the user's message.

No understanding, only rules, so that a test or a demo can predict the arguments:

- a string: the next quoted text; else the words after "for", "in", "to", …; else the message;
- a number: the next number outside quotes, held within the schema's bounds; else its minimum;
- a boolean: true, unless the message says "not", "no", "without" or "false";
- an enum: the value that the message names, else the first;
- an array: every number that is left, or one item;
- an object: its required properties, and the optional ones that the message has something for.
"""

import re
from collections.abc import Mapping
from typing import Any

from proxy.sandbox.scaleway.chat_request import Schema

_DEEPEST = 6
"""Schemas may refer to themselves. Below this depth, values stay empty."""

_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|«\s*([^»]+?)\s*»|(?<!\w)'([^']+)'(?!\w)")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?!\w)")
_AFTER = "for|in|of|at|to|about|from|with|on|named|called"
_PHRASE = re.compile(
    rf"\b(?:{_AFTER})\s+(.+?)(?=\s+(?:{_AFTER}|and|then|please)\b|[,;:!?]|\.(?:\s|$)|$)",
    re.IGNORECASE,
)
_REFERRING = ("$ref", "allOf", "anyOf", "oneOf")
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "$ref": str,
    "allOf": list,
    "anyOf": list,
    "oneOf": list,
    "enum": list,
    "properties": dict,
    "required": list,
    "minimum": (int, float),
    "maximum": (int, float),
}
"""What a keyword must be. Tools come from anybody, so schemas may be broken in any way."""
_NEGATION = re.compile(r"\b(?:not|no|without|false)\b|n't\b", re.IGNORECASE)


def fill(schema: Schema, message: str, *, verbatim: bool = False) -> Any:
    """Return a value that fits the schema, drawn from the message; `{}` fits an empty one.

    `verbatim`: every string is the whole message.
    """
    if not schema:
        return {}
    texts = [] if verbatim else _texts(message)
    return _Filler(schema, message.strip(), texts).value(schema)


def position(message: str, name: str) -> int | None:
    """Return where a name stands in the message as a word of its own, in any case."""
    found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message, re.IGNORECASE)
    return found.start() if found else None


class _Filler:
    """The material in the message. Each quoted text, phrase and number serves once."""

    def __init__(self, root: Schema, message: str, texts: list[str]) -> None:
        self._root = root
        self._message = message
        self._texts = texts
        self._numbers = [float(found) for found in _NUMBER.findall(_unquoted(message))]

    def value(self, schema: Schema, depth: int = 0) -> Any:
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._enum(schema["enum"])
        match _kind(schema):
            case "object":
                value: Any = self._object(schema, depth)
            case "array":
                value = self._array(schema.get("items", {}), depth)
            case "integer":
                value = round(self._number(schema))
            case "number":
                value = self._number(schema)
            case "boolean":
                value = _NEGATION.search(self._message) is None
            case "null":
                value = None
            case _:
                value = self._texts.pop(0) if self._texts else self._message
        return value

    def _resolved(self, schema: Any, depth: int = 0) -> Schema:
        """Follow `$ref` and take the first branch that is not null.

        A schema that is not an object, such as plain `true`, says nothing, and neither does a
        keyword of the wrong type.
        """
        if not isinstance(schema, dict):
            return {}
        sound: Schema = {key: value for key, value in schema.items() if _is_sound(key, value)}
        keyword = next((key for key in _REFERRING if key in sound), None)
        if keyword is None or depth >= _DEEPEST:
            return sound
        named = sound[keyword]
        target = self._target(named) if keyword == "$ref" else _first_branch(named)
        return self._resolved(target, depth + 1)

    def _target(self, reference: str) -> Any:
        found: Any = self._root
        for step in reference.removeprefix("#/").split("/"):
            found = found.get(step) if isinstance(found, dict) else None
        return found

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        if depth >= _DEEPEST:
            return {}
        properties: dict[str, Schema] = schema.get("properties", {})
        required = schema.get("required", [])
        return {
            name: self.value(properties[name], depth + 1)
            for name in sorted(properties, key=lambda name: name not in required)
            if name in required or self._offers(self._resolved(properties[name]))
        }

    def _array(self, items: Schema, depth: int) -> list[Any]:
        if depth >= _DEEPEST:
            return []
        number_of_items = 1
        if _kind(self._resolved(items)) in ("integer", "number"):
            number_of_items = max(1, len(self._numbers))
        return [self.value(items, depth + 1) for _ in range(number_of_items)]

    def _offers(self, schema: Schema) -> bool:
        if "enum" in schema:
            return self._named(schema["enum"]) is not None
        match _kind(schema):
            case "string":
                return bool(self._texts)
            case "integer" | "number":
                return bool(self._numbers)
        return False

    def _enum(self, values: list[Any]) -> Any:
        named = self._named(values)
        return values[0] if named is None and values else named

    def _named(self, values: list[Any]) -> Any | None:
        spoken = (value for value in values if isinstance(value, str) and value)
        return next((value for value in spoken if position(self._message, value) is not None), None)

    def _number(self, schema: Schema) -> int | float:
        lowest, highest = schema.get("minimum"), schema.get("maximum")
        number = self._numbers.pop(0) if self._numbers else float(lowest or 0)
        if lowest is not None:
            number = max(number, lowest)
        if highest is not None:
            number = min(number, highest)
        return int(number) if number == int(number) else number


def _texts(message: str) -> list[str]:
    quoted = ["".join(groups) for groups in _QUOTED.findall(message)]
    return quoted + _PHRASE.findall(_unquoted(message))


def _unquoted(message: str) -> str:
    return _QUOTED.sub(" ", message)


def _is_sound(keyword: str, value: Any) -> bool:
    return isinstance(value, _TYPES.get(keyword, object))


def _kind(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return next((each for each in kind if each != "null"), "null")
    return kind or ("object" if "properties" in schema else "string")


def _first_branch(branches: list[Schema]) -> Schema:
    null: Schema = {"type": "null"}
    return next((each for each in branches if each != null), null)
