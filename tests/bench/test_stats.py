"""Percentiles, spreads and ratios."""

import pytest

from bench.stats import median, percentile, ratio, spread


@pytest.mark.parametrize(
    ("share", "value"), [(0, 1), (1, 1), (50, 50), (99, 99), (99.5, 100), (100, 100)]
)
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(share: float, value: float) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 50) == percentile([7.0], 99) == 7.0


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)


def test_the_median_is_not_moved_by_one_bad_run() -> None:
    assert median([1.0, 2.0, 90.0]) == 2.0


def test_the_spread_is_relative_to_the_median() -> None:
    assert spread([9.0, 10.0, 12.0]) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("value", "of", "expected"), [(3, 2, 1.5), (None, 2, None), (3, None, None), (3, 0, None)]
)
def test_a_ratio_needs_both(value: float | None, of: float | None, expected: float | None) -> None:
    assert ratio(value, of) == expected
