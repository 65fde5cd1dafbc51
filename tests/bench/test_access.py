"""What a key, limits and usage cost: two proxies are measured in turn, and one has all three."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import access
from bench.access import Cost, gateways, measure
from bench.site import Site
from proxy.access.grants import Limits
from proxy.access.key_file import parse_keys


def test_one_proxy_has_a_key_with_every_limit_and_usage_and_the_other_nothing(
    tmp_path: Path,
) -> None:
    without, keyed = (each.launch(Site(tmp_path, 1, ())).env for each in gateways())
    assert not [name for name in without if "KEY" in name and name.startswith("RAG_PROXY")]
    assert "RAG_PROXY_USAGE_FILE" not in without
    assert set(keyed) == {*without, "RAG_PROXY_KEYS_FILE", "RAG_PROXY_USAGE_FILE"}
    path = Path(keyed["RAG_PROXY_KEYS_FILE"])
    assert tomllib.loads(path.read_text())
    (record,) = parse_keys(path.read_text(), path)
    limits = record.grant.limits
    assert None not in [getattr(limits, name) for name in Limits.__slots__]


@pytest.mark.long
def test_pairs_of_processes_are_measured_and_use_something() -> None:
    costs = measure(pairs=2, runs=2, answers=3)
    assert len(costs) == 2
    assert min(min(each.without, each.keyed) for each in costs) > 0


@pytest.mark.parametrize(("keyed", "code"), [(0.00110, 0), (0.00111, 1)])
def test_the_pair_in_the_middle_decides_whether_it_is_too_much(
    keyed: float, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = [Cost(0.001, 0.0005), Cost(0.001, keyed), Cost(0.001, 0.9)]
    monkeypatch.setattr(access, "measure", lambda *_: costs)
    done = CliRunner().invoke(access.main)
    assert done.exit_code == code
    assert f"1000 µs without, {keyed * 1e6:.0f} µs with" in done.output
    assert f"the median is {keyed / 0.001:.3f}" in done.output
