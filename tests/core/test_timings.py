from __future__ import annotations

from proxy.core.hidden import Job
from proxy.core.timeline import JobRun, ModelRound, Timeline, Wait
from proxy.core.timings import timings_of

LEAVE = Job("lighton_search", ("leave", 8))


def test_the_times_are_milliseconds_since_the_request_came_or_the_round_began() -> None:
    timeline = Timeline(
        began=100.0,
        waits=[Wait(100.0, is_first=True, ended=100.25), Wait(103.0, is_first=False, ended=103.5)],
        rounds=[
            ModelRound(100.0, "m", first_at=100.4, ended=101.0),
            ModelRound(103.0, "m", first_at=103.6, ended=105.0),
        ],
        jobs=[
            JobRun(100.9, LEAVE, "LightOn", ended=102.0),
            JobRun(101.0, LEAVE, "LightOn", ended=103.0),
        ],
        first_heard_at=103.7,
    )
    assert timings_of(timeline, 105.0123) == {
        "queue_ms": 750,
        "rounds": [{"ms": 1000, "first_token_ms": 400}, {"ms": 2000, "first_token_ms": 600}],
        "searches_ms": 2100,
        "first_token_ms": 3700,
        "total_ms": 5012,
    }


def test_where_nothing_was_streamed_there_is_no_first_token() -> None:
    timeline = Timeline(rounds=[ModelRound(0.0, "m", ended=1.0)])
    timings = timings_of(timeline, 2.0)
    assert (timings["first_token_ms"], timings["rounds"][0]["first_token_ms"]) == (None, None)


def test_a_round_that_goes_on_is_not_told_of() -> None:
    timeline = Timeline(rounds=[ModelRound(0.0, "m", ended=1.0), ModelRound(1.0, "m")])
    assert [each["ms"] for each in timings_of(timeline, 2.0)["rounds"]] == [1000]
