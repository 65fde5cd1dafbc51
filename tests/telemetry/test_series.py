"""The table of series in the manual is that of the code."""

import re
from pathlib import Path

import pytest

from proxy.telemetry.series import ALL, Series

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
SECTION = PAGE.read_text(encoding="utf-8").partition("\n## Metrics\n")[2].partition("\n## ")[0]
ROW = re.compile(r"^\| `(rag_proxy_\w+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)


def rows() -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (name, tuple(re.findall(r"`(\w+)`", labels)), about)
        for name, labels, about in ROW.findall(SECTION)
    ]


def test_the_manual_has_a_row_for_each_series_with_its_labels() -> None:
    assert rows() == [(each.name, each.labels, each.about) for each in ALL]


@pytest.mark.parametrize("series", ALL, ids=lambda each: each.name)
def test_buckets_rise_and_fit_an_answer(series: Series) -> None:
    assert list(series.buckets) == sorted(set(series.buckets))
    assert bool(series.buckets) == (series.kind == "histogram")
    if series.name.endswith("_seconds"):
        assert (series.buckets[0], series.buckets[-1]) == (0.05, 300)


def test_counters_alone_are_named_totals() -> None:
    assert {each for each in ALL if each.name.endswith("_total")} == {
        each for each in ALL if each.kind == "counter"
    }
