"""What is counted of requests to upstreams."""

from __future__ import annotations

from proxy.telemetry.board import Board
from proxy.telemetry.boards import Boards
from proxy.telemetry.label_values import OTHER
from proxy.telemetry.series import RETRIES, UPSTREAM_REQUESTS
from proxy.telemetry.upstream_counts import UpstreamCounts


def test_requests_count_by_upstream_status_and_cause() -> None:
    board = Board.alone()
    counts = UpstreamCounts(board)
    counts.request("LightOn", 200, "")
    counts.request("LightOn", 200, "")
    counts.request("LightOn", 0, "dns")
    counts.request("Scaleway", 503, "status_503")
    assert Boards(board).read()[UPSTREAM_REQUESTS] == {
        ("LightOn", "200", ""): (2,),
        ("LightOn", "none", "dns"): (1,),
        ("Scaleway", "503", "status_503"): (1,),
    }


def test_retries_count_by_upstream_and_cause() -> None:
    board = Board.alone()
    UpstreamCounts(board).retry("Scaleway", "status_429")
    assert Boards(board).read()[RETRIES] == {("Scaleway", "status_429"): (1,)}


def test_an_upstream_with_ever_new_statuses_and_causes_makes_few_series() -> None:
    board = Board.alone()
    counts = UpstreamCounts(board)
    for number in range(100, 1_000):
        counts.request("LightOn", number, f"status_{number}")
    found = Boards(board).read()[UPSTREAM_REQUESTS]
    assert len({status for _, status, _ in found}) == 101
    assert len({cause for _, _, cause in found}) == 201
    assert found["LightOn", OTHER, OTHER] == (700,)
