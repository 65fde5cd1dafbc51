"""A proxy that gets SIGHUP while it serves: new requests, old streams, and what cannot change."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pytest

from tests.commands.test_serve import KEYS, get, on_linux, started, workers_of
from tests.commands.test_serve_keys import WITH_WORKERS, each_worker_says
from tests.support.program import PATIENCE_S, Program

READ = r"INFO proxy\.settings: SIGHUP: settings read again\. "
NEW_KEY = "a-newer-key-that-must-not-be-seen"
MODEL = 'default_model = "{}"\nretrieval = "off"\n'


class Model:
    """A model upstream that answers when it is told to, word by word."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self._listener.settimeout(PATIENCE_S)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def asked(self) -> Asked:
        return Asked(self._stack.enter_context(self._listener.accept()[0]))


class Asked:
    """One model round that has come in. Its stream has begun."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE_S)
        self._connection = connection
        self._head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
        length = int(self._head.lower().partition(b"content-length: ")[2].split()[0])
        while len(body) < length:
            body += connection.recv(65536)
        self.model = json.loads(body)["model"]
        self.key = self._head.lower().partition(b"bearer ")[2].split()[0].decode()
        connection.sendall(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
        )

    def say(self, word: str, finish: str | None = None) -> Self:
        choice = {"index": 0, "delta": {"content": word}, "finish_reason": finish}
        self._connection.sendall(b"data: %b\n\n" % json.dumps({"choices": [choice]}).encode())
        return self

    def end(self) -> None:
        self.say("", "stop")
        self._connection.sendall(b"data: [DONE]\n\n")
        self._connection.close()


class Client:
    """A client with one request, on a connection of its own."""

    def __init__(self, stack: ExitStack, url: str, *, stream: bool = True) -> None:
        host, _, port = url.removeprefix("http://").rpartition(":")
        self._connection = stack.enter_context(
            socket.create_connection((host, int(port)), PATIENCE_S)
        )
        body = json.dumps({"messages": [{"role": "user", "content": "?"}], "stream": stream})
        head = "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n"
        self._connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n{body}".encode())
        self._heard = b""

    def until(self, text: str) -> str:
        """Wait for `text`; give all that has come."""
        while text.encode() not in self._heard:
            part = self._connection.recv(65536)
            assert part, f"{text!r} is not in {self._heard!r}"
            self._heard += part
        return self._heard.decode()

    def rest(self) -> str:
        while part := self._connection.recv(65536):
            self._heard += part
        return self._heard.decode()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def serve(stack: ExitStack, folder: Path, model: Model, text: str, *flags: str) -> Program:
    (folder / "rag-proxy.toml").write_text(text)
    env = {**KEYS, "SCALEWAY_BASE_URL": model.url}
    del env["SCALEWAY_API_KEY"]
    (folder / ".env").write_text(f"SCALEWAY_API_KEY={KEYS['SCALEWAY_API_KEY']}")
    arguments = ["serve", "--config", "rag-proxy.toml", "--port", "0", *flags]
    return stack.enter_context(Program(*arguments, cwd=folder, env=env))


@on_linux
@WITH_WORKERS
def test_a_stream_runs_through_a_reload_with_its_old_settings_and_new_ones_get_the_new(
    tmp_path: Path, stack: ExitStack, workers: str
) -> None:
    model = Model(stack)
    program = serve(stack, tmp_path, model, MODEL.format("old"), "--workers", workers)
    url = started(program)
    pids = workers_of(program)
    client = Client(stack, url)
    old = model.asked()
    assert old.model == "old"
    old.say("One")
    client.until("One")
    (tmp_path / "rag-proxy.toml").write_text(MODEL.format("new"))
    (tmp_path / ".env").write_text(f"SCALEWAY_API_KEY={NEW_KEY}")
    os.kill(program.pid, signal.SIGHUP)
    changed = r"Changed: scaleway_api_key, default_model, variables in \.env\.$"
    each_worker_says(program, workers, READ + changed)
    another = Client(stack, url)
    new = model.asked()
    assert (new.model, new.key) == ("new", NEW_KEY)
    new.say("Another").end()
    assert '"model":"new"' in another.rest()
    old.say("Two").end()
    heard = client.rest()
    assert "Two" in heard
    assert heard.rstrip().endswith("data: [DONE]\n\r\n0") or "[DONE]" in heard
    assert '"model":"new"' not in heard
    assert workers_of(program) == pids
    assert program.press_ctrl_c() == 130
    log = program.err.rest()
    assert "Traceback" not in log
    assert NEW_KEY not in log
