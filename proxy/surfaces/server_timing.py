"""The header `server-timing`: how long the parts of an answer took, as browsers show it."""

from __future__ import annotations

from typing import Final

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
