"""The headers of replies that clients read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from proxy.access.refusals import LIMIT_HEADERS
from proxy.core.names import SEARCH_COUNT
from proxy.schemas.parts import Schema, text, whole
from proxy.surfaces.server_timing import NAME as TIMING

REQUEST_ID: Final = "x-request-id"
RETRY_AFTER: Final = "retry-after"
SEARCHES: Final = SEARCH_COUNT.lower()
WITHIN_LIMITS: Final = LIMIT_HEADERS
TIMED: Final = (TIMING, *WITHIN_LIMITS)
SEARCHED: Final = (SEARCHES, *TIMED)


def header_schemas() -> dict[str, Schema]:
    limits = {
        name: _header(
            "What is left of a limit for each minute, if the client has one.",
            text() if "reset" in name else whole(minimum=0),
        )
        for name in LIMIT_HEADERS
    }
    return {
        REQUEST_ID: {
            **_header("The request in the log: the client's own id, or a new one.", text()),
            "required": True,
        },
        RETRY_AFTER: _header("In how many seconds to try again.", whole(minimum=0)),
        SEARCHES: _header("The searches before the reply began.", whole(minimum=0)),
        TIMING: _header("How long the parts of the reply took, in milliseconds.", text()),
        **limits,
    }


def reply_headers(names: Iterable[str] = ()) -> dict[str, Schema]:
    """Those of a reply; every one tells which request it is for."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (REQUEST_ID, *names)}


def _header(about: str, schema: Schema) -> Schema:
    return {"description": about, "schema": schema}
