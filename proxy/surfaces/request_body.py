"""Reads the body of a request as JSON, and refuses what could hide a wish from the proxy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive, Scope

from proxy.core import json_text
from proxy.core.inflight import BODY_COST, Hold
from proxy.core.lookalikes import refuse_lookalike
from proxy.core.names import HEADERS
from proxy.core.repeated import refuse_repeated
from proxy.core.wish import Wishes
from proxy.errors import BadRequest, UnsupportedMedia
from proxy.settings import Settings
from proxy.surfaces.disconnect import read_body
from proxy.surfaces.exchange import exchange_of

_CERTAINLY_WRITABLE_DEPTH: Final = 200
_OUR_HEADERS: Final = HEADERS.lower().encode()


class Document(NamedTuple):
    """A body that has been read."""

    content: Any
    """The decoded JSON."""
    size: int
    """The bytes of the body."""


async def read_document(
    scope: Scope, receive: Receive, held: Hold, limits: Settings, wishes: Wishes
) -> Document:
    """The body of a request, within `limits`. `held` counts its bytes.

    Raises ProxyError, also for wishes that are repeated or stand where nobody reads them.
    """
    headers = exchange_of(scope).headers
    refuse_repeated_headers(scope)
    _refuse_query(scope["query_string"], wishes)
    _refuse_encoded(headers)
    body = await read_body(
        receive,
        headers.get("content-length"),
        limits.max_body_bytes,
        limits.body_timeout_s,
        lambda size: held.take(size * BODY_COST),
    )
    return Document(_decode(body, wishes), len(body))


def refuse_repeated_headers(scope: Scope) -> None:
    """If a client sends two X-LightOn headers of one name, nobody knows which one should narrow."""
    seen: set[bytes] = set()
    for raw_name, _ in scope["headers"]:
        if raw_name.startswith(_OUR_HEADERS):
            if raw_name in seen:
                name = raw_name.decode("latin-1")
                raise BadRequest(f"The header '{name}' was sent more than once.", param=name)
            seen.add(raw_name)


def _refuse_query(query: bytes, wishes: Wishes) -> None:
    """The path takes no parameters. A client that put a wish there would not get it."""
    for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True) if query else ():
        try:
            refuse_lookalike(name, None, wishes.narrowing)
        except BadRequest as error:
            what = "The address takes no parameters. Put the field into the request body."
            raise BadRequest(what, param=error.param) from None


def _refuse_encoded(headers: Mapping[str, str]) -> None:
    coding = headers.get("content-encoding", "identity")
    if coding.lower() != "identity":
        raise UnsupportedMedia("Send the request body without a content-encoding.")


def _decode(body: bytes, wishes: Wishes) -> Any:
    try:
        document = json_text.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The request body is not valid JSON: {error}.") from error
    if body.count(b"{") + body.count(b"[") > _CERTAINLY_WRITABLE_DEPTH:
        _check_depth(document)
    refuse_repeated(body, document, wishes.in_body)
    return document


def _check_depth(document: Any) -> None:
    """The reader accepts JSON nested 1,024 deep, but the writer only about 250.

    What comes in is passed on deeper than it came: a function's schema inside of a tool, a tool
    inside of a response, and that inside of an event.
    """
    try:
        orjson.dumps([[[document]]])
    except orjson.JSONEncodeError as error:
        raise BadRequest("The request body is nested too deeply.") from error
