"""Several processes on one port; the ordinary course is in test_serve."""

import json
import os
import signal
import socket
import time
from contextlib import ExitStack, suppress
from itertools import pairwise
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Self, cast

import pytest
from uvicorn.supervisors.multiprocess import Process

from proxy.commands.workers import has_started, pause_s
from tests.commands.test_serve import KEYS, get, on_linux, started, workers_of
from tests.support.program import PATIENCE_S, Program


def test_pauses_grow_up_to_a_limit() -> None:
    pauses = [pause_s(failures) for failures in range(1, 20)]
    assert pauses[0] == 0.5
    assert all(shorter < longer for shorter, longer in pairwise(pauses[:6]))
    assert pauses[-1] == 30


@pytest.mark.parametrize("answer", [True, False])
def test_a_worker_says_whether_it_serves(*, answer: bool) -> None:
    with Pretended() as worker:
        worker.child_conn.send(answer)
        assert has_started(worker.as_process, PATIENCE_S) is answer


def test_a_worker_that_ends_is_not_waited_for() -> None:
    with Pretended() as worker:
        worker.end()
        assert has_started(worker.as_process, 3600) is None


def test_a_worker_that_does_not_answer_is_given_up() -> None:
    with Pretended() as worker:
        assert has_started(worker.as_process, 0.01) is None
    assert has_started(worker.as_process, PATIENCE_S) is None  # its pipe is closed


class Pretended:
    """A worker's pipe, of which both ends are here, and what becomes readable when it ends."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.parent_conn, self.child_conn = map(self._stack.enter_context, Pipe())
        self._alive, self._other = socket.socketpair()
        for each in (self._alive, self._other):
            self._stack.callback(each.close)
        self.process = SimpleNamespace(sentinel=self._alive.fileno())
        self.as_process = cast("Process", self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def end(self) -> None:
        self._other.close()


@on_linux
def test_a_worker_that_cannot_load_is_tried_again_after_growing_pauses_and_takes_no_connection(
    tmp_path: Path,
) -> None:
    config = tmp_path / "rag-proxy.toml"
    config.write_text("")
    flags = ["--config", "rag-proxy.toml", "--port", "0", "--workers", "2"]
    with Program("serve", *flags, cwd=tmp_path, env=KEYS, measured=True) as program:
        url = started(program)
        first, _ = workers_of(program)
        config.write_text("prot = 1")
        os.kill(first, signal.SIGKILL)
        program.err.until(f"Worker {first} has ")
        for pause in ("0.5", "1", "2"):
            program.err.until("^rag-proxy: prot in rag-proxy.toml: no such setting")
            program.err.until(rf"A worker cannot load \(exit code 2\)\. .* in {pause} s\.$")
            for _ in range(10):
                assert get(f"{url}/health") == {"status": "ok"}
        config.write_text("")
        deadline = time.monotonic() + PATIENCE_S
        while len(workers_of(program)) < 2:  # each request takes a moment
            assert get(f"{url}/health") == {"status": "ok"}
            assert time.monotonic() < deadline
        assert program.press_ctrl_c() == 130
        assert "Traceback" not in program.err.rest()


class Question:
    """A question that the proxy has passed on to a model, which has not answered yet."""

    def __init__(self, stack: ExitStack, tmp_path: Path, workers: int) -> None:
        model = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        model.settimeout(PATIENCE_S)
        base_url = f"http://127.0.0.1:{model.getsockname()[1]}/v1"
        env = {**KEYS, "SCALEWAY_BASE_URL": base_url, "RAG_PROXY_RETRIEVAL": "off"}
        flags = ["serve", "--port", "0", "--workers", f"{workers}"]
        self.program = stack.enter_context(Program(*flags, cwd=tmp_path, env=env, measured=True))
        host, _, port = started(self.program).removeprefix("http://").rpartition(":")
        self.address = (host, int(port))
        self.client = stack.enter_context(socket.create_connection(self.address, PATIENCE_S))
        self.client.sendall(request(b'{"messages": [{"role": "user", "content": "?"}]}'))
        self._model = stack.enter_context(model.accept()[0])
        assert self._model.recv(65536).startswith(b"POST /v1/chat/completions ")

    def answer(self) -> bytes:
        """Let the model answer; give the first line of what the client gets."""
        choice = {"index": 0, "finish_reason": "stop", "message": {"content": "Yes."}}
        body = json.dumps({"choices": [choice]}).encode()
        self._model.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        return self.client.recv(65536).partition(b"\r\n")[0]

    def wait_until_the_door_is_closed(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                socket.create_connection(self.address, PATIENCE_S).close()
            except (ConnectionRefusedError, ConnectionResetError):
                return
        raise AssertionError("the proxy still takes connections")


def request(body: bytes) -> bytes:
    head = "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: "
    return f"{head}{len(body)}\r\n\r\n".encode() + body


@on_linux
@pytest.mark.parametrize("workers", [1, 2])
def test_a_hang_up_ends_nothing(tmp_path: Path, workers: int) -> None:
    with ExitStack() as stack:
        question = Question(stack, tmp_path, workers)
        before = workers_of(question.program)
        question.program.send_to_all(signal.SIGHUP)
        assert question.answer() == b"HTTP/1.1 200 OK"
        assert workers_of(question.program) == before
        assert question.program.press_ctrl_c() == 130


@on_linux
@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_ctrl_c_waits_for_no_answer_and_says_nothing(tmp_path: Path, workers: int) -> None:
    with ExitStack() as stack:
        question = Question(stack, tmp_path, workers)
        question.program.send_to_all(signal.SIGINT)
        question.wait_until_the_door_is_closed()
        assert question.program.press_ctrl_c() == 130
        with suppress(ConnectionResetError):
            assert question.client.recv(1) == b""  # not even that the proxy ends
        log = question.program.err.rest()
        assert [line for line in log.splitlines() if "warning: each of" not in line] == []
