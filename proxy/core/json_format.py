"""The JSON that a `response_format` asks for, and whether a text is such JSON already.

`proxy.core.json_schema` makes the check. Few requests need it, and its import takes a third of the
time that the proxy needs to start, so it is imported with the first one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import orjson

Fit = Literal["yes", "no", "unsure"]

MAX_TEXT_CHARS: Final = 200_000
"""A longer text is not judged."""
_ANY_OBJECT: Final[Mapping[str, object]] = {"type": "object"}


class JsonFormat(NamedTuple):
    """A JSON format that a client asks for."""

    schema: object
    """A JSON schema, or whatever the client sent in its place."""

    def fit(self, text: str) -> Fit:
        """Whether `text` is JSON of this format."""
        if len(text) > MAX_TEXT_CHARS:
            return "unsure"
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return "no"
        from proxy.core.json_schema import UnsureError, is_valid  # noqa: PLC0415 - see above

        try:
            return "yes" if is_valid(value, self.schema) else "no"
        except (UnsureError, RecursionError):
            return "unsure"


def read_format(response_format: object) -> JsonFormat | None:
    """The format that a request's `response_format` asks for; None if it asks for no JSON."""
    wanted = response_format if isinstance(response_format, dict) else {}
    kind = wanted.get("type")
    if kind not in ("json_object", "json_schema"):
        return None
    # Some servers take a schema with `json_object`, too.
    described = wanted if kind == "json_object" else wanted.get("json_schema")
    schema = described.get("schema") if isinstance(described, dict) else None
    return JsonFormat(_ANY_OBJECT if schema is None else schema)
