"""Reads the arguments of a hidden tool's call as models write them, not always as asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from proxy.core.arguments import MAX_ARGUMENT_CHARS
from proxy.core.turn import ToolCall

_INTEGER: Final = re.compile(r"\s*-?[0-9]{1,9}\s*")
_LONGEST_SHOWN: Final = 200


def read_arguments(call: ToolCall) -> Mapping[str, object] | str:
    """The arguments of `call` by name, or the fault in them."""
    arguments = call.parse_arguments()
    if isinstance(arguments, dict):
        return arguments
    if len(call.arguments) > MAX_ARGUMENT_CHARS:
        return f"Not run: the arguments have more than {MAX_ARGUMENT_CHARS} characters."
    return f"The arguments are not a JSON object: {call.arguments[:_LONGEST_SHOWN]!r}."


def ignored(arguments: Mapping[str, object], known: tuple[str, ...]) -> list[str]:
    """A note on arguments that the tool does not know, if there are any."""
    unknown = ", ".join(sorted(set(arguments) - set(known)))[:_LONGEST_SHOWN]
    if not unknown:
        return []
    return [f"Ignored arguments: {unknown}. There are only {' and '.join(known)}."]


def as_integer(value: object) -> int | None:
    """Models write 5, 5.0 and "5" alike."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return int(value) if _INTEGER.fullmatch(value) else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) else None
