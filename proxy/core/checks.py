"""Checks of what a client sent. A failure is a BadRequest that names the field as it knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proxy.errors import BadRequest

Types = tuple[type, ...]
NUMBER: Final[Types] = (int, float)
_TYPE_NAMES: Final[dict[Types, str]] = {
    (bool,): "a boolean",
    (dict,): "an object",
    (int,): "an integer",
    (list,): "an array",
    (str,): "a string",
    (str, dict): "a string or an object",
    (str, list): "a string or an array",
    NUMBER: "a number",
}


def check_type(param: str, value: object, types: Types) -> None:
    """Refuse a value of other types. Null counts as absent, and a boolean is no number."""
    if value is None:
        return
    is_bool_as_number = isinstance(value, bool) and bool not in types
    if is_bool_as_number or not isinstance(value, types):
        raise BadRequest(f"'{param}' must be {_TYPE_NAMES[types]}.", param=param)


def check_types(prefix: str, given: Mapping[str, object], types: Mapping[str, Types]) -> None:
    """The same for those fields of an object that `types` names. `prefix` precedes their names."""
    for name, each in types.items():
        check_type(f"{prefix}{name}", given.get(name), each)


def check_length(param: str, value: object, most: int) -> None:
    """Refuse a string or an array that is too long; anything else passes."""
    if not isinstance(value, (str, list)) or len(value) <= most:
        return
    unit = "characters" if isinstance(value, str) else "entries"
    raise BadRequest(
        f"'{param}' has {len(value)} {unit}, and may have {most}. Send fewer.", param=param
    )
