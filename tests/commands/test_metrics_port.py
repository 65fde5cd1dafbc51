from __future__ import annotations

import socket
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import click
import pytest

from proxy.commands.metrics_port import metrics_served
from proxy.settings import Settings
from proxy.telemetry.board import Board
from proxy.telemetry.boards import Boards
from proxy.telemetry.series import RETRIES
from tests.support.program import PATIENCE_S


def boards() -> Boards:
    board = Board.alone()
    board.add(RETRIES, ("LightOn", "dns"), 3)
    return Boards(board)


def test_the_port_answers_without_a_key_until_the_proxy_ends() -> None:
    with metrics_served(Settings(metrics_port=0), boards()) as url:
        with urlopen(url, timeout=PATIENCE_S) as reply:  # noqa: S310 - our own address
            page = reply.read().decode()
        evil = Request(url, headers={"host": "evil.test"})  # noqa: S310 - as above
        with pytest.raises(HTTPError, match="403"):
            urlopen(evil, timeout=PATIENCE_S)  # noqa: S310 - as above
    assert 'rag_proxy_retries_total{cause="dns",upstream="LightOn"} 3.0' in page
    assert url.endswith("/metrics")
    with pytest.raises(OSError, match="refused"):
        urlopen(url, timeout=PATIENCE_S)  # noqa: S310 - as above


@pytest.mark.parametrize("counts", [True, False])
def test_no_port_is_opened_that_nobody_named_or_that_has_nothing_to_tell(*, counts: bool) -> None:
    named = Settings() if counts else Settings(metrics_port=0)
    with metrics_served(named, boards() if counts else None) as url:
        assert url == ""


def test_a_port_that_is_taken_is_told_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        served = metrics_served(Settings(metrics_port=port), boards())
        with pytest.raises(click.ClickException, match="choose another with metrics_port"), served:
            pass
