from __future__ import annotations

import pytest

from proxy.core.hidden import Failed, Found, Job
from proxy.core.timeline import JobRun, ModelRound, Retry, Timeline
from proxy.core.turn import Turn
from proxy.errors import BadRequest, ModelNotFound, RateLimited
from tests.core.samples import result

LEAVE = Job("lighton_search", ("leave", 8))


def test_all_waits_count_but_only_those_for_the_first_round_hold_the_reply_back() -> None:
    timeline = Timeline()
    assert timeline.before_first_s(9.0) == 0
    first = timeline.wait(10.0, is_first=True)
    assert (timeline.before_first_s(12.5), timeline.queued_s) == (2.5, 0)
    first.ended = 13.0
    assert (timeline.queued_s, timeline.before_first_s(20.0)) == (3, 3)
    another_attempt = timeline.wait(20.0, is_first=True)
    assert timeline.before_first_s(21.0) == 4
    another_attempt.ended = 21.0
    later = timeline.wait(30.0, is_first=False)
    assert timeline.before_first_s(35.0) == 4
    later.ended = 35.0
    assert (timeline.queued_s, timeline.before_first_s(40.0)) == (9, 4)


def test_a_round_says_how_it_ended() -> None:
    timeline = Timeline()
    timeline.round(1.0, "llama").end(3.5, Turn("Hi.", "stop", usage={"total_tokens": 7}))
    assert timeline.rounds == [
        ModelRound(1.0, "llama", ended=3.5, finish_reason="stop", usage={"total_tokens": 7})
    ]
    assert timeline.rounds[0].took_s() == 2.5


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RateLimited("LightOn", "Full.", cause="status_429"), "status_429"),
        (RateLimited("LightOn", "Full."), "rate_limit_exceeded"),
        (ModelNotFound("None."), "model_not_found"),
        (BadRequest("No."), "invalid_request_error"),
    ],
)
def test_what_failed_says_why_in_a_word(error: RateLimited, cause: str) -> None:
    timeline = Timeline()
    timeline.round(1.0, "llama").fail(2.0, error)
    told = timeline.run(1.0, LEAVE, "LightOn").end(1.25, Failed(error))
    assert (timeline.rounds[0].cause, timeline.rounds[0].ended) == (cause, 2.0)
    assert timeline.jobs == [JobRun(1.0, LEAVE, "LightOn", ended=1.25, cause=cause)]
    assert told == Failed(error, took_ms=250)


@pytest.mark.parametrize("is_shared", [True, False])
def test_a_job_says_what_it_brought_and_whether_an_equal_one_had_brought_it(
    *, is_shared: bool
) -> None:
    timeline = Timeline()
    found = Found((result("a"), result("b")), is_shared=is_shared)
    assert timeline.run(1.0, LEAVE, "LightOn").end(1.012, found) == found._replace(took_ms=12)
    assert (timeline.jobs[0].results, timeline.jobs[0].is_shared) == (2, is_shared)


def test_what_has_not_ended_has_taken_no_time_unless_it_is_asked_for_now() -> None:
    round_ = Timeline().round(1.0, "llama")
    assert (round_.took_s(), round_.took_s(4.0)) == (0, 3)


@pytest.mark.parametrize(
    ("spans", "searched_s"),
    [
        ((), 0),
        (((1, 3),), 2),
        (((1, 3), (2, 4)), 3),
        (((1, 9), (2, 3), (4, 5)), 8),
        (((5, 6), (1, 2)), 2),
        (((1, 2), (2, 3)), 2),
        (((1, 2), (1, None)), 1),
    ],
)
def test_time_in_which_several_searches_ran_counts_once(
    spans: tuple[tuple[float, float | None], ...], searched_s: float
) -> None:
    jobs = [JobRun(began, LEAVE, "LightOn", ended=ended) for began, ended in spans]
    assert Timeline(jobs=jobs).searched_s == searched_s


def test_the_causes_of_retries_stand_in_their_order() -> None:
    retries = [Retry(1, "LightOn", "dns", 0.1), Retry(2, "Scaleway", "status_429", 1)]
    assert Timeline(retries=retries).retry_causes == ["dns", "status_429"]


def test_a_time_can_be_told_as_the_clock_on_the_wall_shows_it() -> None:
    timeline = Timeline(began=50.0, wall_ns=1_800_000_000_000_000_000)
    assert timeline.wall_ns_at(50.25) == 1_800_000_000_250_000_000
