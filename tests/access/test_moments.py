from datetime import UTC, datetime

import pytest

from proxy.access.moments import Moment


def at(text: str) -> Moment:
    return Moment.of(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("text", "day_left_s", "month_left_s"),
    [
        ("2026-11-26T00:00:00", 86_400, 5 * 86_400),
        ("2026-11-30T23:59:59", 1, 1),
        ("2026-12-31T23:00:00", 3_600, 3_600),
        ("2028-02-28T12:00:00", 43_200, 43_200 + 86_400),
    ],
)
def test_a_day_and_a_month_end_at_midnight_of_utc(
    text: str, day_left_s: int, month_left_s: int
) -> None:
    assert at(text).day_left_s == day_left_s
    assert at(text).month_left_s == month_left_s


def test_later_days_and_months_have_larger_numbers() -> None:
    before, after = at("2026-12-31T23:59:59.9"), at("2027-01-01T00:00:00")
    assert after.day == before.day + 1
    assert after.month == before.month + 1


def test_minutes_may_be_counted_on_another_clock() -> None:
    assert Moment.of(5.25).now_ms == 5_250
    assert Moment.of(5.25, 7).now_ms == 7
