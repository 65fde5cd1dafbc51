"""The header `server-timing`: how long the parts of a reply took, as browsers show it."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.responses import Response

from proxy.core.timeline import Timeline
from proxy.core.timings import timings_of

NAME: Final = "server-timing"


def server_timing(timeline: Timeline, now: float, *, is_whole: bool) -> tuple[bytes, bytes]:
    """The header of a reply that begins `now`. It says `total` only if the answer is whole."""
    timings = timings_of(timeline, now)
    parts = {
        "queue": timings["queue_ms"],
        "search": timings["searches_ms"],
        "first-token": timings["first_token_ms"],
        "total": timings["total_ms"] if is_whole else None,
    }
    told = ", ".join(f"{name};dur={ms}" for name, ms in parts.items() if ms is not None)
    return NAME.encode(), told.encode()


def timed(reply: Response, timeline: Timeline) -> Response:
    """`reply`, which is whole now, with the header."""
    now = asyncio.get_running_loop().time()
    reply.raw_headers.append(server_timing(timeline, now, is_whole=True))
    return reply
