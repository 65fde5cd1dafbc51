from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.upstreams.http.waits import Left, told_left, told_wait_s

NOON = 1_792_584_000.0
"""21 October 2026, 12:00:00 GMT."""
AT_TEN_PAST = "Wed, 21 Oct 2026 12:10:00 GMT"


def wait(status: int = 429, /, **headers: str) -> float | None:
    return told_wait_s(status, {k.replace("_", "-"): v for k, v in headers.items()}, NOON)


@pytest.mark.parametrize(
    ("said", "expected"), [("17", 17), ("0", 0), ("1.5", 1.5), (" 3 ", 3), ("-3", 0)]
)
def test_seconds_are_read(said: str, expected: float) -> None:
    assert wait(retry_after=said) == expected


@pytest.mark.parametrize("said", ["", "soon", "inf", "nan", "1e400", "9" * 50, "Wed, 21 Oct"])
def test_what_is_neither_a_number_nor_a_date_says_nothing(said: str) -> None:
    assert wait(retry_after=said) is None
    assert wait(retry_after_ms=said) is None


def test_milliseconds_come_before_seconds() -> None:
    assert wait(retry_after_ms="250", retry_after="9") == 0.25


def test_a_date_is_a_wait_by_our_clock_if_the_reply_does_not_tell_its_own() -> None:
    assert wait(retry_after=AT_TEN_PAST) == 600


def test_a_date_is_a_wait_by_the_upstreams_own_clock() -> None:
    assert wait(retry_after=AT_TEN_PAST, date="Wed, 21 Oct 2026 12:09:30 GMT") == 30
    assert wait(retry_after=AT_TEN_PAST, date="lately") == 600


@pytest.mark.parametrize(
    "said",
    ["Wed, 21 Oct 2026 12:10:00 -0000", "Wed, 21 Oct 2026 12:10:00", AT_TEN_PAST.upper()],
)
def test_a_date_in_another_form_is_read_as_utc(said: str) -> None:
    assert wait(retry_after=said) == 600


def test_a_date_that_is_over_is_no_wait() -> None:
    assert wait(retry_after="Wed, 21 Oct 2015 07:28:00 GMT") == 0


@pytest.mark.parametrize(
    "said", ["Wed, 99 Oct 2026 12:10:00 GMT", "Wed, 21 Oct 99999 12:10:00 GMT"]
)
def test_a_date_that_no_calendar_has_says_nothing(said: str) -> None:
    assert wait(retry_after=said) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [("250ms", 0.25), ("1s", 1), ("6m0s", 360), ("1m30.5s", 90.5), ("1h2m3s", 3723), ("12", 12)],
)
def test_a_limit_tells_when_it_opens_again(said: str, expected: float) -> None:
    assert wait(x_ratelimit_reset_tokens=said) == expected


@pytest.mark.parametrize("said", ["", "soon", "1 s", "s", "1x", "1s" * 30])
def test_a_reset_that_is_no_duration_says_nothing(said: str) -> None:
    assert wait(x_ratelimit_reset_tokens=said) is None


def test_the_limit_that_was_reached_is_the_one_to_wait_for() -> None:
    resets = {"x_ratelimit_reset_requests": "9s", "x_ratelimit_reset_tokens": "2s"}
    assert wait(**resets) == 9
    assert wait(**resets, x_ratelimit_remaining_requests="5") == 2
    assert wait(**resets, x_ratelimit_remaining_tokens="5") == 9
    left = {"x_ratelimit_remaining_tokens": "5", "x_ratelimit_remaining_requests": "1"}
    assert wait(**resets, **left) is None


def test_limits_count_after_a_header_of_their_own_and_with_status_429_alone() -> None:
    assert wait(retry_after="1", x_ratelimit_reset_tokens="2s") == 1
    assert wait(503, x_ratelimit_reset_tokens="2s") is None
    assert wait(503, retry_after="1") == 1


@given(
    st.integers(400, 599),
    st.dictionaries(
        st.sampled_from(
            ["retry-after", "retry-after-ms", "date", "x-ratelimit-reset-tokens"],
        ),
        st.text(max_size=60) | st.from_regex(r"[0-9.]{1,9}(ms|s|m|h)?", fullmatch=True),
    ),
)
def test_whatever_an_upstream_says_is_a_wait_from_now_on_or_none(
    status: int, headers: dict[str, str]
) -> None:
    wait_s = told_wait_s(status, headers, NOON)
    assert wait_s is None or 0 <= wait_s < float("inf")


LIMIT = "x-ratelimit-"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"remaining-requests": "7"}, None),
        ({"remaining-requests": "7", "reset-requests": "2s"}, Left(7, 2)),
        ({"remaining-requests": "0", "reset-requests": "250ms"}, Left(0, 0.25)),
        ({"remaining-requests": "0", "reset-requests": "soon"}, None),
        ({"remaining-requests": "many", "reset-requests": "2s"}, None),
        ({"remaining-tokens": "0", "reset-tokens": "3s"}, Left(0, 3)),
        ({"remaining-tokens": "9", "reset-tokens": "3s"}, None),
        (
            {
                "remaining-requests": "7",
                "reset-requests": "9s",
                "remaining-tokens": "0",
                "reset-tokens": "3s",
            },
            Left(0, 3),
        ),
        (
            {
                "remaining-requests": "0",
                "reset-requests": "9s",
                "remaining-tokens": "0",
                "reset-tokens": "3s",
            },
            Left(0, 9),
        ),
    ],
)
def test_a_reply_says_what_may_still_be_asked(
    headers: dict[str, str], expected: Left | None
) -> None:
    assert told_left({LIMIT + name: value for name, value in headers.items()}) == expected
