from __future__ import annotations

import pytest
from starlette.responses import Response

from proxy.core.timeline import Timeline, Wait
from proxy.surfaces.server_timing import server_timing, timed


async def test_a_whole_reply_gets_the_header_beside_its_own() -> None:
    reply = timed(Response(b"{}", headers={"x-own": "1"}), Timeline(began=-5.0))
    assert reply.headers["x-own"] == "1"
    assert reply.headers["server-timing"].startswith("queue;dur=0, search;dur=0, total;dur=")


@pytest.mark.parametrize(
    ("heard_at", "is_whole", "told"),
    [
        (None, True, "queue;dur=250, search;dur=0, total;dur=2000"),
        (101.5, False, "queue;dur=250, search;dur=0, first-token;dur=1500"),
        (None, False, "queue;dur=250, search;dur=0"),
    ],
)
def test_the_header_tells_what_is_known_when_the_reply_begins(
    heard_at: float | None, told: str, *, is_whole: bool
) -> None:
    waits = [Wait(100.0, is_first=True, ended=100.25)]
    timeline = Timeline(began=100.0, waits=waits, first_heard_at=heard_at)
    header = server_timing(timeline, 102.0, is_whole=is_whole)
    assert header == (b"server-timing", told.encode())
