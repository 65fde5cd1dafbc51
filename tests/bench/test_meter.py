"""What is used under a load."""

import os

import pytest

from bench.meter import Meter, Usage


def test_shares_are_of_one_core() -> None:
    usage = Usage(wall_s=2.0, server_s=1.0, client_s=0.5, upstream_s=0.25, machine_s=2.75)
    assert usage.server_share == 0.5
    assert usage.client_share == 0.25
    assert usage.upstream_share == 0.125
    assert usage.others_share == pytest.approx(0.5)


def test_others_use_nothing_where_clocks_differ_a_little() -> None:
    usage = Usage(wall_s=1.0, server_s=1.0, client_s=0.0, upstream_s=0.0, machine_s=0.99)
    assert usage.others_share == 0.0


def test_a_meter_reads_what_was_used_since() -> None:
    meter = Meter(os.getpid(), os.getpid())
    sum(range(300_000))
    usage = meter.read()
    assert usage.wall_s > 0
    assert usage.server_s > 0
    assert usage.client_s > 0
    assert usage.upstream_s > 0


def test_without_a_server_there_is_nothing_to_measure_of_it() -> None:
    assert Meter(None, os.getpid()).read().server_s == 0
