"""A proxy that is told to stop: what it still takes, and how what runs ends."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.commands.test_serve import KEYS, get, started
from tests.commands.test_serve_keys import WITH_WORKERS
from tests.support.program import PATIENCE_S, Program
from tests.support.told_model import Client, Model

LONG = 1000.0


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def serve(  # noqa: PLR0913 - what differs between the tests
    stack: ExitStack, folder: Path, model: Model, workers: str, *, drain_s: float, grace_s: float
) -> Program:
    env = {
        **KEYS,
        "SCALEWAY_BASE_URL": model.url,
        "RAG_PROXY_RETRIEVAL": "off",
        "RAG_PROXY_DRAIN_DELAY_S": f"{drain_s}",
        "RAG_PROXY_GRACE_S": f"{grace_s}",
    }
    arguments = ["serve", "--port", "0", "--workers", workers]
    return stack.enter_context(Program(*arguments, cwd=folder, env=env))


def wait_until_stopping(url: str) -> None:
    """Wait until `/ready` says so on as many connections as reach every worker."""
    deadline = time.monotonic() + PATIENCE_S
    told = 0
    while told < 20:
        assert time.monotonic() < deadline
        try:
            get(f"{url}/ready")
        except HTTPError as error:
            is_stopping = json.load(error) == {"status": "stopping"}
            told = told + 1 if is_stopping and error.code == 503 else 0


@WITH_WORKERS
def test_it_is_not_ready_but_takes_requests_on_until_ctrl_c_ends_the_wait(
    tmp_path: Path, stack: ExitStack, workers: str
) -> None:
    model = Model(stack)
    program = serve(stack, tmp_path, model, workers, drain_s=LONG, grace_s=LONG)
    url = started(program)
    before = Client(stack, url)
    first = model.asked().say("One")
    before.until("One")
    program.signal(signal.SIGTERM)
    wait_until_stopping(url)
    assert get(f"{url}/health") == {"status": "ok"}
    after = Client(stack, url)
    model.asked().say("Two").end()
    assert "[DONE]" in after.rest()
    program.send_to_all(signal.SIGINT)  # the door closes, and the stream goes on
    before.wait_until_closed()
    first.say("Three").end()
    assert "[DONE]" in before.rest()
    program.wait()
    assert "Traceback" not in program.err.rest()


@WITH_WORKERS
def test_the_signal_closes_the_door_after_the_delay_and_ends_what_outlasts_the_grace(
    tmp_path: Path, stack: ExitStack, workers: str
) -> None:
    model = Model(stack)
    program = serve(stack, tmp_path, model, workers, drain_s=0.3, grace_s=0.5)
    url = started(program)
    streamed, plain = Client(stack, url), Client(stack, url, stream=False)
    for _ in range(2):
        model.asked().say("One")
    streamed.until("One")
    assert program.terminate() in (0, -signal.SIGTERM)
    heard = streamed.rest()
    assert '"code":"shutting_down"' in heard
    assert "[DONE]" not in heard
    heard = plain.rest()
    assert heard.startswith("HTTP/1.1 503 ")
    assert '"code":"shutting_down"' in heard


@WITH_WORKERS
def test_ctrl_c_does_not_wait_for_a_load_balancer(
    tmp_path: Path, stack: ExitStack, workers: str
) -> None:
    program = serve(stack, tmp_path, Model(stack), workers, drain_s=LONG, grace_s=LONG)
    url = started(program)
    with urlopen(f"{url}/health", timeout=PATIENCE_S):  # noqa: S310 - our own http address
        assert program.press_ctrl_c() == 130
