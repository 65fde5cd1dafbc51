"""How long a connection may stay where it is."""

from __future__ import annotations

from math import inf

import pytest

from proxy.surfaces.door_limits import DoorLimits, Place, time_limit, too_large

LIMITS = DoorLimits(head_timeout_s=10, keep_alive_s=5, linger_s=3)


@pytest.mark.parametrize(
    ("place", "is_answered", "is_first", "limit_s"),
    [
        (Place.NEW, True, True, 1),
        (Place.BETWEEN, True, True, 10),
        (Place.BETWEEN, True, False, 5),
        (Place.BETWEEN, False, False, inf),
        (Place.HEAD, True, True, 10),
        (Place.HEAD, True, False, 10),
        (Place.HEAD, False, False, 10),
        (Place.BODY, False, False, inf),
        (Place.BODY, True, False, 3),
        (Place.SHUT, True, False, 3),
    ],
)
def test_each_place_has_its_limit(
    place: Place, *, is_answered: bool, is_first: bool, limit_s: float
) -> None:
    assert time_limit(LIMITS, place, is_answered=is_answered, is_first=is_first) == limit_s


def test_a_head_that_is_too_large_is_told_the_limits() -> None:
    message = str(too_large(DoorLimits(max_head_bytes=1_234, max_headers=56)))
    assert "1234 bytes" in message
    assert "56 headers" in message
