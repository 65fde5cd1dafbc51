"""A server in front of the proxy: it starts, or it is said why not."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import pytest

from bench.sockets import free_port
from tests.clients.front import StartError, in_front
from tests.support.program import PATIENCE_S


def test_it_answers_while_the_block_runs_and_not_after(tmp_path: Path) -> None:
    port = free_port()
    command = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port))
    url = f"http://127.0.0.1:{port}"
    with in_front(command, tmp_path, port):
        assert httpx.get(url, trust_env=False, timeout=PATIENCE_S).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise ValueError('no key')", "ValueError: no key"),
        ("print('Refused.')", "^Refused.$"),
        ("pass", "it said nothing"),
    ],
)
def test_one_that_ends_at_once_says_why(tmp_path: Path, code: str, why: str) -> None:
    with (
        pytest.raises(StartError, match=why),
        in_front((sys.executable, "-c", code), tmp_path, free_port()),
    ):
        pass
