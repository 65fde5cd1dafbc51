"""What all of LightOn's replies have in common: JSON objects, and the words of its errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson

from proxy.core import json_text
from proxy.errors import BadReply
from proxy.upstreams.http.causes import NOT_JSON, SHAPE

NAME: Final = "LightOn"
CREDENTIALS: Final = "LIGHTON_API_KEY and what the key may reach"


def decode(body: bytes) -> Mapping[str, object]:
    """The JSON object in `body`. Raises BadReply."""
    try:
        document = json_text.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadReply(NAME, f"{NAME} sent a reply that is not JSON.", cause=NOT_JSON) from error
    if not isinstance(document, dict):
        raise BadReply(NAME, f"{NAME} sent a reply of an unknown shape.", cause=SHAPE)
    return document


def fault_of(body: bytes) -> str:
    """What an error body says: `detail`, and in a 422 the fields at fault. "" for HTML."""
    try:
        document = json_text.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(document, dict):
        return ""
    detail = texts_of(document, "detail").get("detail", "")
    fields = value if type(value := document.get("fields")) is dict else ()
    return " ".join([detail, *(f"({name})" for name in fields)]).strip()


def texts_of(document: Mapping[str, object], *names: str) -> dict[str, str]:
    """Those of `names` under which `document` has a text that is not empty."""
    return {name: value for name in names if type(value := document.get(name)) is str and value}


def tag_id(tag: object) -> object:
    return tag.get("id") if isinstance(tag, dict) else tag
