import pytest

from proxy.core.evidence.clock import clock_at
from proxy.core.evidence.tokens import tokenize


@pytest.mark.parametrize(
    ("text", "time", "is_sure"),
    [
        ("14:30", (14, 30), True),
        ("2:30 pm", (14, 30), True),
        ("12:05 pm", (12, 5), True),
        ("14h30", (14, 30), True),
        ("14.30 Uhr", (14, 30), True),
        ("2 pm", (14, 0), False),
        ("9 a.m.", (9, 0), False),
        ("14 h", (14, 0), False),
    ],
)
def test_a_time_of_day_is_read(text: str, time: tuple[int, int], *, is_sure: bool) -> None:
    clock = clock_at(tokenize(text), 0)
    assert clock
    assert (clock.time, clock.is_sure) == (time, is_sure)


@pytest.mark.parametrize("text", ["14", "25:00", "14:61", "1:2:3", "123:45", "14 days"])
def test_what_is_no_time_of_day_is_none(text: str) -> None:
    assert clock_at(tokenize(text), 0) is None
