"""What the proxy knows about one HTTP exchange, kept in its ASGI scope."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.types import Scope

from proxy.access.clients import ANYBODY, Client
from proxy.core.timeline import Timeline
from proxy.surfaces.slot import Slot
from proxy.telemetry.facts import AnswerFacts, Failure
from proxy.telemetry.trail import Trail

_KEY: Final = "rag_proxy.exchange"


@dataclass(slots=True)
class Exchange:
    """One request and its reply."""

    request_id: str
    timeline: Timeline
    """It begins with the request."""
    path: str
    """The path as the client sent it."""
    headers: Mapping[str, str]
    """The request's headers: see `headers_of`."""
    client: Client = ANYBODY
    """The client that asks."""
    slot: Slot | None = None
    """What the request has taken of the limits of its client; None if there are none."""
    status: int = 0
    """The reply's status, once it has begun."""
    first_byte_s: float | None = None
    """How long after the request the reply began."""
    wants_answer: bool = False
    """Whether a client that may ask asks for an answer, or for what else the records tell of."""
    has_documents: bool = True
    """Whether that answer may rest on documents, so that an audit tells of it."""
    route: str = ""
    """The path of the route that it asks on, in the form without `/v1`; "" if it got to none."""
    answer: AnswerFacts | None = None
    trail: Trail | None = None
    failure: Failure | None = None
    is_client_gone: bool = False
    """When the request is over, these go into `RequestFacts`."""


def begin_exchange(scope: Scope, request_id: str, headers: Mapping[str, str]) -> Exchange:
    timeline = Timeline(asyncio.get_running_loop().time(), time.time_ns())
    exchange = scope[_KEY] = Exchange(request_id, timeline, scope["path"], headers)
    return exchange


def exchange_of(scope: Scope) -> Exchange:
    exchange: Exchange = scope[_KEY]
    return exchange


def headers_of(scope: Scope) -> Mapping[str, str]:
    """The request's headers, with names in lower case. Commas join the values of one name."""
    headers: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name in headers:
            repeated.setdefault(name, [headers[name]]).append(value)
        else:
            headers[name] = value
    for name, values in repeated.items():
        headers[name] = ", ".join(values)
    return headers
