"""Whether a JSON value is valid under a JSON schema, at little cost whatever both are.

The schema is the client's and the value is the model's, so neither may make the check expensive. It
knows a list of keywords that cost little, follows references within the schema alone, and stops
after a number of steps. Whatever goes beyond that, it does not judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from jsonschema import Draft202012Validator, ValidationError, validators
from referencing import Registry

MAX_STEPS: Final = 20_000
"""They take less than a tenth of a second."""

_CHARS_PER_STEP: Final = 500
"""An error quotes its value. So many characters of it cost about as much as a step."""


class UnsureError(Exception):
    """The schema says more than the check knows, or the check takes too many steps."""


class _Steps:
    """Counts the steps of one check. Raises UnsureError when they are too many."""

    def __init__(self) -> None:
        self._left = MAX_STEPS

    def take(self, number: int = 1) -> None:
        self._left -= number
        if self._left < 0:
            raise UnsureError


# The schema


def _is_type(value: object) -> bool:
    types = value if isinstance(value, list) else [value]
    return all(isinstance(each, str) and each in _TYPES for each in types)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, (str, int, float))


def _is_factor(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


def _is_list_of(is_one: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(map(is_one, value))


_TYPES: Final = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_VALUES: Final[Mapping[str, Callable[[object], bool]]] = {
    "$ref": lambda value: isinstance(value, str),
    "const": _is_plain,
    "enum": _is_list_of(_is_plain),
    "exclusiveMaximum": _is_number,
    "exclusiveMinimum": _is_number,
    "maxItems": _is_count,
    "maxLength": _is_count,
    "maxProperties": _is_count,
    "maximum": _is_number,
    "minItems": _is_count,
    "minLength": _is_count,
    "minProperties": _is_count,
    "minimum": _is_number,
    "multipleOf": _is_factor,
    "required": _is_list_of(lambda value: isinstance(value, str)),
    "type": _is_type,
}
"""Keywords whose values hold no schemas."""
_SCHEMA: Final = frozenset({"additionalProperties", "items"})
_SCHEMA_LIST: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_DEFINITIONS: Final = ("$defs", "definitions")
_SCHEMA_MAP: Final = frozenset({"properties", *_DEFINITIONS})
_NOTES: Final = frozenset(
    {
        "$comment",
        "$schema",
        "default",
        "deprecated",
        "description",
        "discriminator",
        "example",
        "examples",
        "readOnly",
        "title",
        "writeOnly",
    }
)
"""Keywords that no value can break. Above all `$schema`: another dialect has its own validator."""


class _Reading:
    """Copies a schema without its notes. Raises UnsureError if it says anything else."""

    def __init__(self, steps: _Steps) -> None:
        self._steps = steps
        self._refs: set[str] = set()

    def read(self, schema: object) -> Any:
        """The copy of a whole schema."""
        copy = self._copy(schema)
        if not self._refs <= set(_targets(copy)):
            raise UnsureError
        return copy

    def _copy(self, schema: object) -> object:
        self._steps.take()
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            raise UnsureError
        return {
            name: self._value(name, value) for name, value in schema.items() if name not in _NOTES
        }

    def _value(self, name: str, value: object) -> object:
        self._steps.take(_entries(value))
        if name in _SCHEMA:
            return self._copy(value)
        if name in _SCHEMA_LIST and isinstance(value, list):
            return [self._copy(each) for each in value]
        if name in _SCHEMA_MAP and isinstance(value, dict):
            return {key: self._copy(each) for key, each in value.items()}
        if name not in _VALUES or not _VALUES[name](value):
            raise UnsureError
        if name == "$ref":
            self._refs.add(str(value))
        return value


def _targets(schema: Any) -> Iterator[str]:
    """The references that lead somewhere, spelt without escapes."""
    yield "#"
    for place in _DEFINITIONS if isinstance(schema, dict) else ():
        for name in schema.get(place, {}):
            if not any(sign in name for sign in "/~%"):
                yield f"#/{place}/{name}"


def _entries(value: object) -> int:
    return 1 + (len(value) if isinstance(value, (list, dict)) else 0)


# The value


_Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError]]


def is_valid(value: object, schema: object) -> bool:
    """Whether `value` is valid under `schema`. Raises UnsureError or RecursionError."""
    steps = _Steps()
    known = _Reading(steps).read(schema)
    sizes: dict[int, int] = {}
    _measure(known, sizes)
    _measure(value, sizes)

    def size(of: object) -> int:
        return sizes.get(id(of)) or _chars(of)

    def counted(check: _Keyword) -> _Keyword:
        def take_steps(
            validator: Any, wanted: Any, instance: Any, schema: Any
        ) -> Iterator[ValidationError]:
            quoted = size(wanted) + size(instance)
            steps.take(_entries(wanted) + _entries(instance) + quoted // _CHARS_PER_STEP)
            return check(validator, wanted, instance, schema)

        return take_steps

    checks = {name: counted(check) for name, check in Draft202012Validator.VALIDATORS.items()}
    bounded = validators.create({}, checks, type_checker=Draft202012Validator.TYPE_CHECKER)
    return bounded(known, registry=Registry()).is_valid(value)


def _measure(value: object, sizes: dict[int, int]) -> int:
    """Note about how many characters each list and object takes, by its id."""
    if isinstance(value, dict):
        size = sum(_chars(name) + _measure(each, sizes) for name, each in value.items())
    elif isinstance(value, list):
        size = sum(_measure(each, sizes) for each in value)
    else:
        return _chars(value)
    sizes[id(value)] = size
    return size


def _chars(value: object) -> int:
    return len(value) if isinstance(value, str) else 4
