"""What metrics cost: two proxies are measured in turn, and one counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import counting
from bench.access import Cost, measure
from bench.counting import gateways
from bench.site import Site


def test_one_proxy_counts_and_all_else_is_the_same(tmp_path: Path) -> None:
    silent, counted = (each.launch(Site(tmp_path, 1, ())).env for each in gateways())
    assert set(silent.items()) - set(counted.items()) == {("RAG_PROXY_METRICS", "false")}
    assert set(counted.items()) <= set(silent.items())


@pytest.mark.long
def test_pairs_of_processes_are_measured_and_use_something() -> None:
    (cost,) = measure(1, 1, 3, gateways())
    assert min(cost.without, cost.keyed) > 0


@pytest.mark.parametrize(("counted", "code"), [(0.00103, 0), (0.00104, 1)])
def test_the_pair_in_the_middle_decides_whether_it_is_too_much(
    counted: float, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = [Cost(0.001, 0.0005), Cost(0.001, counted), Cost(0.001, 0.9)]
    monkeypatch.setattr(counting, "measure", lambda *_: costs)
    done = CliRunner().invoke(counting.main)
    assert done.exit_code == code
    assert f"{counted * 1e6:.0f} µs with metrics" in done.output
