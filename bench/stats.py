"""The few statistics that a comparison needs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Final

_WHOLE: Final = 100


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` percent of all values do not exceed (nearest rank)."""
    if not values:
        raise ValueError("a percentile of nothing")
    rank = max(1, math.ceil(len(values) * share / _WHOLE))
    return sorted(values)[rank - 1]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float]) -> float:
    """From the lowest to the highest value, as a share of their median."""
    middle = median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def ratio(value: float | None, of: float | None) -> float | None:
    """None if one of the two was not measured, or if the divisor is 0."""
    if value is None or not of:
        return None
    return value / of
