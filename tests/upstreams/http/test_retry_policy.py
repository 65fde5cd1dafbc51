from __future__ import annotations

import random
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BadReply, Unreachable, UpstreamError, UpstreamTimeout
from proxy.upstreams.http.retry_policy import MODEL_STATUSES, SEARCH_STATUSES, RetryPolicy


def refused(status: int = 429, told_s: float | None = None) -> UpstreamError:
    """The error of a whole reply with a status, or without one of a connection never made."""
    error = UpstreamError("Upstream", "No.", cause="refused")
    error.is_refused, error.told_status, error.told_wait_s = True, status, told_s
    return error


def waits(policy: RetryPolicy, error: UpstreamError, left_s: float = inf) -> list[float | None]:
    return [policy.wait_s(retried, error, left_s) for retried in range(4)]


ALWAYS = RetryPolicy(3, chance=lambda: 1.0)


def test_the_longest_wait_doubles_until_the_retries_are_used_up() -> None:
    assert waits(ALWAYS, refused()) == [0.5, 1, 2, None]
    many = RetryPolicy(20, chance=lambda: 1.0)
    assert [many.wait_s(retried, refused(), inf) for retried in (3, 4, 5, 19)] == [4, 8, 8, 8]


def test_any_part_of_the_wait_may_be_left_out() -> None:
    assert waits(RetryPolicy(3, chance=lambda: 0.0), refused()) == [0, 0, 0, None]
    assert waits(RetryPolicy(3, chance=lambda: 0.5), refused()) == [0.25, 0.5, 1, None]


def test_a_seeded_chance_gives_the_same_waits_again() -> None:
    one, two = (RetryPolicy(3, chance=random.Random(7).random) for _ in range(2))
    assert waits(one, refused()) == waits(two, refused())


@pytest.mark.parametrize(("told_s", "expected"), [(0.002, 0.004), (7, 7.5), (60, 60), (59.9, 60)])
def test_an_upstream_that_says_how_long_to_wait_gets_that_and_a_little_more(
    told_s: float, expected: float
) -> None:
    assert ALWAYS.wait_s(0, refused(told_s=told_s), inf) == pytest.approx(expected)


def test_an_upstream_that_asks_for_no_wait_gets_the_usual_one() -> None:
    assert ALWAYS.wait_s(0, refused(told_s=0), inf) == 0.5


def test_a_wait_that_is_too_long_is_not_waited() -> None:
    assert ALWAYS.wait_s(0, refused(told_s=60.1), inf) is None


@pytest.mark.parametrize("left_s", [0.5, 0.1, 0, -1])
def test_a_wait_that_the_answers_time_does_not_hold_is_not_waited(left_s: float) -> None:
    assert ALWAYS.wait_s(0, refused(), left_s) is None
    assert ALWAYS.wait_s(0, refused(), 0.51) == 0.5


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_reply_is_repeated_for_by_its_status(status: int) -> None:
    assert RetryPolicy(1, SEARCH_STATUSES).covers(refused(status))
    assert RetryPolicy(1, MODEL_STATUSES).covers(refused(status)) is (status != 500)


@pytest.mark.parametrize("status", [501, 505, 507, 599])
def test_other_statuses_are_not(status: int) -> None:
    assert not RetryPolicy(1, SEARCH_STATUSES, unsure=True).covers(refused(status))


def test_a_connection_that_was_never_made_is_worth_another_try() -> None:
    assert RetryPolicy(1).covers(refused(0))


@pytest.mark.parametrize("word", ["tls_expired", "tls", "proxy_tls_host_name", "proxy_credentials"])
def test_a_fault_that_somebody_must_mend_is_not(word: str) -> None:
    error = refused(0)
    error.cause = word
    assert not RetryPolicy(1, unsure=True).covers(error)


UNSURE = [Unreachable("U", "Broke.", cause="reset"), UpstreamTimeout("U", "Late.")]


@pytest.mark.parametrize("error", UNSURE)
def test_what_the_upstream_may_have_worked_on_is_repeated_only_if_told(
    error: UpstreamError,
) -> None:
    assert not RetryPolicy(1).covers(error)
    assert RetryPolicy(1, unsure=True).covers(error)


def test_an_error_inside_a_reply_is_unsure_and_counts_by_its_status() -> None:
    error = UpstreamError("U", "No.")
    error.told_status = 503
    assert not RetryPolicy(1).covers(error)
    assert RetryPolicy(1, unsure=True).covers(error)
    error.told_status = 400
    assert not RetryPolicy(1, unsure=True).covers(error)


def test_a_reply_that_cannot_be_read_is_never_asked_for_again() -> None:
    assert not RetryPolicy(1, unsure=True).covers(BadReply("U", "What?"))


def test_without_retries_the_client_keeps_its_own() -> None:
    assert not RetryPolicy(0, unsure=True).covers(refused())
    assert not RetryPolicy().covers(refused())


@given(
    retried=st.integers(0, 12),
    retries=st.integers(0, 10),
    told=st.none() | st.floats(0, 1e6),
    left=st.floats(-10, 1e4),
    by_chance=st.floats(0, 1, exclude_max=True),
    longest=st.floats(0.001, 300),
)
def test_a_wait_is_within_all_bounds(  # noqa: PLR0913 - all that decides about a wait
    *,
    retried: int,
    retries: int,
    told: float | None,
    left: float,
    by_chance: float,
    longest: float,
) -> None:
    policy = RetryPolicy(retries, longest_wait_s=longest, chance=lambda: by_chance)
    wait_s = policy.wait_s(retried, refused(told_s=told), left)
    if wait_s is None:
        return
    assert retried < retries
    assert (told or 0) <= wait_s <= longest
    assert wait_s <= (told or 0) + 8
    assert wait_s < left
