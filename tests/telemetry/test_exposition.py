"""What Prometheus' own parsers read of the sums."""

from __future__ import annotations

import subprocess
import sys

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open
from prometheus_client.parser import text_string_to_metric_families as read_text

from proxy.telemetry.board import Board
from proxy.telemetry.boards import Boards, Sums
from proxy.telemetry.exposition import page_of
from proxy.telemetry.series import ALL, OPEN_STREAMS, RETRIES, ROUNDS

OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
ODD = 'a "quoted" \\ name\nwith = {signs}, é and 日'


@pytest.fixture
def sums() -> Sums:
    board = Board.alone()
    board.add(RETRIES, ("LightOn", ODD), 3)
    for value in (1, 2, 2, 12):
        board.observe(ROUNDS, ("/responses", "hr", "m"), value)
    board.show({(OPEN_STREAMS, ()): 2})
    return Boards(board).read()


def families(sums: Sums, accept: str) -> dict[str, Metric]:
    page = page_of(sums, accept)
    is_open = page.content_type.startswith("application/openmetrics-text")
    assert is_open == (accept == OPEN)
    read = read_open if is_open else read_text
    return {each.name: each for each in read(page.body.decode())}


@pytest.mark.parametrize("accept", ["", "text/plain", "*/*", OPEN])
def test_all_series_are_read_with_type_and_help(sums: Sums, accept: str) -> None:
    found = families(sums, accept)
    kinds = {"highest": "gauge"}
    assert {(each.name, each.type, each.documentation) for each in found.values()} == {
        (each.name.removesuffix("_total"), kinds.get(each.kind, each.kind), each.about)
        for each in ALL
    }


@pytest.mark.parametrize("accept", ["", OPEN])
def test_values_are_read_as_they_were_counted(sums: Sums, accept: str) -> None:
    found = families(sums, accept)
    (retries,) = found["rag_proxy_retries"].samples
    assert (retries.name, retries.labels, retries.value) == (
        "rag_proxy_retries_total",
        {"upstream": "LightOn", "cause": ODD},
        3,
    )
    (streams,) = found["rag_proxy_open_streams"].samples
    assert streams.value == 2


@pytest.mark.parametrize("accept", ["", OPEN])
def test_buckets_are_read_in_sum(sums: Sums, accept: str) -> None:
    samples = families(sums, accept)["rag_proxy_rounds"].samples
    buckets = {each.labels["le"]: each.value for each in samples if "le" in each.labels}
    assert list(buckets) == ["1.0", "2.0", "3.0", "4.0", "5.0", "6.0", "8.0", "10.0", "+Inf"]
    assert list(buckets.values()) == [1, 3, 3, 3, 3, 3, 3, 3, 4]
    rest = {each.name: each.value for each in samples if "le" not in each.labels}
    assert rest == {"rag_proxy_rounds_count": 4, "rag_proxy_rounds_sum": 17}


@pytest.mark.parametrize("version", ['"1.0.0', '"1.0.0"', "one", "99", "1.0.0+x", "", "1..0"])
@pytest.mark.parametrize("form", ["application/openmetrics-text", "text/plain"])
def test_a_version_that_there_is_not_gets_plain_text(sums: Sums, form: str, version: str) -> None:
    page = page_of(sums, f"{form}; version={version}; q=0.9, text/html; q=0.1")
    assert page.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert {each.name for each in read_text(page.body.decode())}


def test_prometheus_own_header_gets_openmetrics(sums: Sums) -> None:
    page = page_of(
        sums,
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
        "application/openmetrics-text;version=0.0.1;q=0.4,"
        "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
    )
    assert page.content_type.startswith("application/openmetrics-text; version=1.0.0;")


def test_the_library_is_not_loaded_before_somebody_asks() -> None:
    code = "import proxy.app, proxy.commands.serve, sys; print('prometheus_client' in sys.modules)"
    loaded = subprocess.run(  # noqa: S603 - our own code, no shell
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert loaded.stdout == "False\n"
