"""Metrics of a proxy on real sockets: of all workers, also of one that died, and after SIGHUP."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.commands.test_serve import KEYS, get, on_linux, started, workers_of
from tests.commands.test_serve_keys import each_worker_says
from tests.support.program import PATIENCE_S, Program
from tests.support.told_model import Client, Model

REQUESTS = "rag_proxy_requests_total"
CHAT = "/chat/completions"
STREAMS = "rag_proxy_open_streams"
KEY = "a-key-for-a-client-1234567890"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


class Served:
    """A proxy with workers and a port for metrics."""

    def __init__(self, stack: ExitStack, folder: Path, workers: int = 2, **env: str) -> None:
        self.stack, self.model = stack, Model(stack)
        base = {**KEYS, "SCALEWAY_BASE_URL": self.model.url, "RAG_PROXY_RETRIEVAL": "off"}
        (folder / "rag-proxy.toml").write_text("max_rounds = 2\n")
        flags = ["--config", "rag-proxy.toml", "--port", "0", "--workers", str(workers)]
        environment = {**base, "RAG_PROXY_METRICS_PORT": "0", **env}
        self.program = stack.enter_context(
            Program("serve", *flags, cwd=folder, env=environment, measured=True)
        )
        line = self.program.out.until(r"^rag-proxy \S+ on (http://\S+)/v1 .*; metrics on (\S+)$")
        self.url, self.metrics_url = line[1], line[2]

    def answer(self) -> None:
        client = Client(self.stack, self.url)
        self.model.asked().say("Hi.").end()
        client.rest()

    def read(self, url: str = "", **headers: str) -> dict[tuple[str, ...], float]:
        request = Request(url or self.metrics_url, headers=headers)  # noqa: S310 - our own address
        with urlopen(request, timeout=PATIENCE_S) as reply:  # noqa: S310 - as above
            page = reply.read().decode()
        return {
            (each.name, each.labels.get("route", "")): each.value
            for family in text_string_to_metric_families(page)
            for each in family.samples
        }

    def shows(self, name: str, value: float, route: str = "") -> None:
        """Wait until a value is so: it is a moment later than the reply that it counts."""
        _until(lambda: self.read().get((name, route)) == value)

    def folder(self) -> Path:
        """Where the workers count. One that has just started opens its file a moment later."""
        found: list[str] = []

        def is_found() -> bool:
            pids = workers_of(self.program)
            maps = "".join(Path(f"/proc/{pid}/maps").read_text() for pid in pids)
            found[:] = re.findall(r"(/\S+/rag-proxy-[\w-]+)/\d+$", maps, re.MULTILINE)
            return bool(found)

        _until(is_found)
        return Path(found[0])

    def replaces(self, before: Collection[int]) -> None:
        """Wait until other workers than those serve."""
        self.program.err.until("Worker .* replaces it")
        self.program.err.until("Worker .* replaces it")
        _until(lambda: len(set(workers_of(self.program)) - set(before)) == 2)
        _until(self._is_up)

    def _is_up(self) -> bool:
        try:
            return bool(get(f"{self.url}/health"))
        except OSError:
            return False


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():  # each look takes a moment
        assert time.monotonic() < deadline


@on_linux
def test_each_reply_is_that_of_all_workers_and_counts_outlive_one_that_dies(
    tmp_path: Path, stack: ExitStack
) -> None:
    served = Served(stack, tmp_path)
    for _ in range(8):  # each on a connection of its own: the system spreads them
        served.answer()
    served.shows(REQUESTS, 8, CHAT)
    for _ in range(6):  # whichever worker it is that answers
        assert served.read(f"{served.url}/metrics")[REQUESTS, CHAT] == 8
    running = Client(stack, served.url)
    asked = served.model.asked().say("One")
    running.until("One")
    served.shows(STREAMS, 1)
    before = workers_of(served.program)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    served.replaces(before)
    assert served.read()[REQUESTS, CHAT] == 8  # nobody could count the one that was cut off
    served.shows(STREAMS, 0)
    del asked
    for _ in range(4):
        served.answer()
    served.shows(REQUESTS, 12, CHAT)
    assert sorted(each.name for each in served.folder().iterdir()) == ["0", "1"]
    assert served.program.press_ctrl_c() == 130
    assert "Traceback" not in served.program.err.rest()


@on_linux
@pytest.mark.parametrize("workers", [1, 2])
def test_a_hang_up_changes_no_count(tmp_path: Path, stack: ExitStack, workers: int) -> None:
    served = Served(stack, tmp_path, workers)
    served.answer()
    (tmp_path / "rag-proxy.toml").write_text("max_rounds = 3\nbreaker_failures = 9\n")
    os.kill(served.program.pid, signal.SIGHUP)
    changed = r"INFO proxy\.settings: SIGHUP: settings read again\. Changed: "
    each_worker_says(served.program, str(workers), changed)
    served.answer()
    served.shows(REQUESTS, 2, CHAT)
    assert served.program.press_ctrl_c() == 130


def test_with_keys_the_port_of_its_own_needs_none(tmp_path: Path, stack: ExitStack) -> None:
    served = Served(stack, tmp_path, 1, RAG_PROXY_API_KEYS=KEY)
    assert served.read()[STREAMS, ""] == 0
    with pytest.raises(OSError, match="403"):
        served.read(f"{served.url}/metrics", authorization=f"Bearer {KEY}")
    served.shows(REQUESTS, 1, "/metrics")
    assert served.program.press_ctrl_c() == 130


@on_linux
def test_no_folder_is_left_behind(tmp_path: Path, stack: ExitStack) -> None:
    served = Served(stack, tmp_path)
    folder = served.folder()
    assert folder.is_dir()
    assert served.program.press_ctrl_c() == 130
    assert not folder.exists()


def test_the_ordinary_greeting_names_no_metrics(tmp_path: Path, stack: ExitStack) -> None:
    program = stack.enter_context(Program("serve", "--port", "0", cwd=tmp_path, env=KEYS))
    url = started(program)
    with urlopen(f"{url}/metrics", timeout=PATIENCE_S) as reply:  # noqa: S310 - our own address
        assert reply.status == 200
    assert program.press_ctrl_c() == 130
    assert "metrics on" not in program.out.rest()
