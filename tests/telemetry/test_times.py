from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from proxy.telemetry.times import time_of, utc_now


def test_a_time_is_told_in_utc_to_the_millisecond() -> None:
    paris = timezone(timedelta(hours=1))
    told = time_of(datetime(2026, 11, 26, 8, 30, 5, 120_999, paris))
    assert told == "2026-11-26T07:30:05.120Z"
    assert time_of(utc_now()) > told


def test_now_is_in_utc() -> None:
    assert utc_now().tzinfo is UTC
