"""How a reply tells of its times."""

from __future__ import annotations

from typing_extensions import TypedDict

from proxy.core.timeline import Timeline


class RoundTimings(TypedDict):
    ms: int
    first_token_ms: int | None


class Timings(TypedDict):
    """Milliseconds. Where there was no such time, because nothing was streamed, it is None."""

    queue_ms: int
    rounds: list[RoundTimings]
    searches_ms: int
    first_token_ms: int | None
    total_ms: int


def timings_of(timeline: Timeline, now: float) -> Timings:
    """The times of an answer until `now`. Rounds that go on have no entry yet."""
    return {
        "queue_ms": _ms(timeline.queued_s),
        "rounds": [
            {"ms": _ms(each.took_s()), "first_token_ms": _since(each.began, each.first_at)}
            for each in timeline.rounds
            if each.ended is not None
        ],
        "searches_ms": _ms(timeline.searched_s),
        "first_token_ms": _since(timeline.began, timeline.first_heard_at),
        "total_ms": _ms(now - timeline.began),
    }


def _since(began: float, at: float | None) -> int | None:
    return None if at is None else _ms(at - began)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
