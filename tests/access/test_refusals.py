"""What a client is told of its limits."""

from datetime import UTC, datetime

import pytest

from proxy.access.grants import Limits
from proxy.access.ledger import Account, Charge, Standing, Verdict, Whose
from proxy.access.moments import Moment
from proxy.access.refusals import LIMIT_HEADERS, duration, limit_headers, refusal
from proxy.errors import LimitExceeded, QuotaExceeded, RequestTooCostly

NOW = Moment.of(datetime(2026, 11, 26, 22, 30, tzinfo=UTC).timestamp())
ONE = Charge(requests=1, lease="a", least=1)


def told(limits: Limits, standing: Standing, charge: Charge = ONE) -> LimitExceeded:
    verdict = Verdict(is_taken=False, tokens=0, standings=(standing,))
    return refusal((Account("mine", limits),), charge, verdict, NOW)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (250, "250ms"),
        (1_000, "1s"),
        (1_001, "2s"),
        (59_999, "1m0s"),
        (360_000, "6m0s"),
    ],
)
def test_times_are_written_as_openai_writes_them(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text


def test_headers_tell_of_each_kind_of_limit_the_tightest() -> None:
    accounts = (
        Account("mine", Limits(requests_per_minute=10, tokens_per_minute=900)),
        Account("all", Limits(requests_per_minute=100, tokens_per_minute=1_000), whose="all"),
    )
    standings = (
        Standing(requests=4, requests_reset=31_000, tokens=100, tokens_reset=250),
        Standing(requests=98, requests_reset=60_000, tokens=150, tokens_reset=1_000),
    )
    headers = dict(limit_headers(accounts, Verdict(is_taken=True, tokens=0, standings=standings)))
    assert headers == {
        b"x-ratelimit-limit-requests": b"100",
        b"x-ratelimit-remaining-requests": b"2",
        b"x-ratelimit-reset-requests": b"1m0s",
        b"x-ratelimit-limit-tokens": b"900",
        b"x-ratelimit-remaining-tokens": b"800",
        b"x-ratelimit-reset-tokens": b"250ms",
    }
    assert {name.decode() for name in headers} == set(LIMIT_HEADERS)


def test_where_there_is_no_limit_for_each_minute_there_is_no_header() -> None:
    accounts = (Account("mine", Limits(concurrent=1, daily_tokens=5)),)
    assert limit_headers(accounts, Verdict(is_taken=True, tokens=0, standings=(Standing(),))) == []


def test_nothing_remains_of_a_limit_that_an_answer_has_passed() -> None:
    accounts = (Account("mine", Limits(tokens_per_minute=5)),)
    headers = limit_headers(
        accounts, Verdict(is_taken=True, tokens=0, standings=(Standing(tokens=9),))
    )
    assert (b"x-ratelimit-remaining-tokens", b"0") in headers


def test_a_rate_says_which_limit_its_amount_and_when_it_ends() -> None:
    error = told(Limits(requests_per_minute=3), Standing(requests=3, requests_wait=41_200))
    assert error.message == "This key may use 3 requests in 60 seconds. Try again in 42s."
    assert error.retry_after_s == 42
    assert (error.status, error.type, error.code) == (
        429,
        "rate_limit_error",
        "rate_limit_exceeded",
    )
    assert error.retryable


def test_a_budget_says_when_it_ends_and_that_sdks_need_not_try_again() -> None:
    error = told(Limits(daily_tokens=100), Standing(day_tokens=100))
    assert type(error) is QuotaExceeded
    assert error.message == (
        "This key may use 100 tokens a day, and too few of them are left. The day ends in 1h 30m, "
        "at 0:00 UTC."
    )
    assert error.retry_after_s == 5_400
    assert error.code == "insufficient_quota"
    assert not error.retryable


def test_a_month_is_told_in_days() -> None:
    error = told(Limits(monthly_tokens=100), Standing(month_tokens=90), Charge(least=11))
    assert "100 tokens a month" in error.message
    assert "This request may take 11. The month ends in 4d 1h 30m" in error.message


def test_a_request_that_is_more_than_the_limit_is_told_so() -> None:
    error = told(Limits(tokens_per_minute=100), Standing(), Charge(least=5_000))
    assert type(error) is RequestTooCostly
    assert "This request alone may take 5000" in error.message
    assert error.retry_after_s is None
    assert not error.retryable


def test_places_are_told_without_a_time_that_nobody_knows() -> None:
    error = told(Limits(concurrent=2), Standing(leases=2))
    assert error.message.startswith("This key may have 2 answers made at the same time.")
    assert error.retry_after_s == 1


def test_of_several_reasons_the_one_that_lasts_longest_is_told() -> None:
    limits = Limits(requests_per_minute=1, concurrent=1, daily_tokens=10)
    full = Standing(requests=1, requests_wait=30_000, leases=1, day_tokens=10)
    assert "tokens a day" in told(limits, full).message
    assert "1 requests" in told(Limits(requests_per_minute=1, concurrent=1), full).message


@pytest.mark.parametrize(
    ("whose", "who"),
    [("person", "You"), ("key", "This key"), ("all", "All clients together")],
)
def test_a_limit_is_told_as_that_of_whoever_has_it(whose: Whose, who: str) -> None:
    account = Account("a", Limits(requests_per_minute=1, daily_tokens=5, concurrent=1), whose)
    for standing, what in (
        (Standing(requests=1, requests_wait=1), "use 1 requests in 60 seconds."),
        (Standing(leases=1), "have 1 answers made at the same time."),
        (Standing(day_tokens=5), "use 5 tokens a day"),
    ):
        verdict = Verdict(is_taken=False, tokens=0, standings=(standing,))
        error = refusal((account,), ONE, verdict, NOW)
        assert error.message.startswith(f"{who} may {what}")


def test_of_reasons_that_last_equally_long_that_of_the_person_is_told() -> None:
    limits, full = Limits(daily_tokens=5), Standing(day_tokens=5)
    accounts = tuple(Account(each, limits, each) for each in ("person", "key", "all"))
    verdict = Verdict(is_taken=False, tokens=0, standings=(full,) * 3)
    assert refusal(accounts, ONE, verdict, NOW).message.startswith("You may use 5 tokens a day")


def test_a_limit_with_no_room_for_more_is_not_named_while_there_is_just_enough() -> None:
    limits = Limits(tokens_per_minute=10, daily_tokens=10, monthly_tokens=10, requests_per_minute=1)
    just_enough = Standing(tokens=7, day_tokens=7, month_tokens=7, requests=1, requests_wait=5_000)
    error = told(limits, just_enough, Charge(requests=1, least=3))
    assert error.message == "This key may use 1 requests in 60 seconds. Try again in 5s."


def test_tokens_are_told_with_their_amount_and_their_time() -> None:
    error = told(Limits(tokens_per_minute=10), Standing(tokens=8, tokens_wait=999), Charge(least=3))
    assert error.message == "This key may use 10 tokens in 60 seconds. Try again in 1s."
    assert error.retry_after_s == 1


def test_a_request_without_a_place_is_not_told_of_places() -> None:
    limits = Limits(concurrent=1, tokens_per_minute=10)
    full = Standing(leases=1, tokens=10, tokens_wait=500)
    assert "10 tokens" in told(limits, full, Charge(least=1)).message


def test_a_request_that_can_never_pass_is_told_so_rather_than_of_a_wait() -> None:
    limits = Limits(tokens_per_minute=10, daily_tokens=5)
    error = told(limits, Standing(day_tokens=5), Charge(least=11))
    assert type(error) is RequestTooCostly
    assert error.message == (
        "This key may use 10 tokens in 60 seconds. This request alone may take 11. Send less, or "
        "ask for fewer tokens."
    )


def test_the_smallest_request_that_may_take_several_tokens_says_how_many() -> None:
    error = told(Limits(daily_tokens=5), Standing(day_tokens=4), Charge(least=2))
    assert "This request may take 2." in error.message


def test_the_tightest_limit_is_told_wherever_it_stands() -> None:
    tight, wide = Limits(requests_per_minute=2), Limits(requests_per_minute=90)
    for limits in ((tight, wide), (wide, tight)):
        accounts = tuple(Account(str(n), each) for n, each in enumerate(limits))
        verdict = Verdict(is_taken=True, tokens=0, standings=(Standing(), Standing()))
        headers = limit_headers(accounts, verdict)
        assert headers[1] == (b"x-ratelimit-remaining-requests", b"2")
