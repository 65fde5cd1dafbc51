"""The field `text` of a request: the format of the answer, as a chat asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from proxy.core.chat import MAX_NAME_CHARS
from proxy.core.checks import Types, check_length, check_types
from proxy.errors import BadRequest

_PARAM: Final = "text.format"
_SCHEMA: Final[Mapping[str, Types]] = {
    "name": (str,),
    "schema": (dict,),
    "description": (str,),
    "strict": (bool,),
}


def read_format(text: Mapping[str, object]) -> Mapping[str, object] | None:
    """The `response_format` of a chat; None for plain text. Raises BadRequest."""
    check_types("text.", text, {"format": (dict,), "verbosity": (str,)})
    if text.get("verbosity") not in (None, "low", "medium", "high"):
        raise BadRequest("'text.verbosity' must be low, medium or high.", param="text.verbosity")
    wanted = cast("Mapping[str, object]", text.get("format") or {"type": "text"})
    kind = wanted.get("type")
    if kind == "text":
        return None
    if kind == "json_object":
        return {"type": kind}
    if kind != "json_schema":
        raise BadRequest(
            f"'{_PARAM}.type' must be text, json_object or json_schema.", param=f"{_PARAM}.type"
        )
    check_types(f"{_PARAM}.", wanted, _SCHEMA)
    for name in ("name", "schema"):
        if wanted.get(name) is None:
            raise BadRequest(f"'{_PARAM}.{name}' is missing.", param=f"{_PARAM}.{name}")
    check_length(f"{_PARAM}.name", wanted["name"], MAX_NAME_CHARS)
    given = {name: wanted[name] for name in _SCHEMA if wanted.get(name) is not None}
    return {"type": kind, "json_schema": given}
