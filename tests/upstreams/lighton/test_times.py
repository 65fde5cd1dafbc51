from __future__ import annotations

import pytest

from proxy.upstreams.lighton.times import seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:01:00Z", 60),
        ("1970-01-01T00:01:00.999+00:00", 60),
        ("1970-01-01T02:01:00+02:00", 60),
        ("1970-01-01T00:01:00", 60),
        ("1969-12-31T23:59:59Z", 0),
        ("0001-01-01T00:00:00+14:00", 0),
        ("yesterday", 0),
        ("", 0),
        (None, 0),
        (60, 0),
    ],
)
def test_a_time_is_seconds_since_1970(text: object, seconds: int) -> None:
    assert seconds_of(text) == seconds
