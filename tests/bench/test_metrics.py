"""What values are shown as."""

import pytest

from bench import metrics
from bench.effort import FULL, WIDEST
from bench.metrics import DIRECT, ROWS, Over, value_over
from bench.results import Results


@pytest.fixture
def results() -> Results:
    results = Results()
    for subject, value in ((DIRECT, 1.0), ("peer", 3.0), ("proxy", 9.0)):
        results.add("first", subject, value)
    results.add("other", "peer", 3.0)
    return results


@pytest.mark.parametrize(
    ("subject", "over", "loops", "shown"),
    [
        ("peer", Over.NOTHING, False, 3.0),
        ("peer", Over.DIRECT, False, 2.0),
        ("proxy", Over.DIRECT, True, 8.0),
        ("peer", Over.DELAYS, False, 2.0),
        ("proxy", Over.DELAYS, True, 9.0),
        (DIRECT, Over.DIRECT, False, 1.0),
        ("absent", Over.DIRECT, False, None),
    ],
)
def test_a_value_is_shown_over_what_it_is_compared_with(
    results: Results, subject: str, over: Over, *, loops: bool, shown: float | None
) -> None:
    assert value_over(results, "first", subject, over, loops=loops) == shown


def test_without_direct_nothing_is_over_it(results: Results) -> None:
    assert value_over(results, "other", "peer", Over.DIRECT, loops=False) is None


def test_every_level_that_is_measured_has_rows() -> None:
    keys = {key for row in ROWS for key in row.keys}
    for level in (*FULL.levels, WIDEST):
        assert metrics.cpu_chunk(level.name) in keys
        assert set(metrics.busy(level.name)) <= keys
        for share in metrics.SHARES:
            assert {metrics.first_token(share, level.name), metrics.gap(share, level.name)} <= keys


def test_no_value_is_in_two_rows() -> None:
    keys = [key for row in ROWS for key in row.keys]
    assert len(keys) == len(set(keys))


def test_only_single_values_are_compared() -> None:
    assert all(len(row.keys) == 1 for row in ROWS if row.compared)
