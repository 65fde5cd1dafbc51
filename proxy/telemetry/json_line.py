"""A document as one line of JSON, whatever a client or an upstream wrote into it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import orjson


def json_line(document: Mapping[str, object]) -> bytes:
    """The line without its end."""
    try:
        return orjson.dumps(document)
    except TypeError:  # half a surrogate pair is no UTF-8
        return json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
