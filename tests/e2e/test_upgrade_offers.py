"""Clients that offer an upgrade with every request, and what a reverse proxy makes of it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from proxy.app import create_app
from proxy.commands.serving import server_config
from proxy.settings import Settings
from tests.e2e.conftest import RunningSandbox
from tests.support.nginx import nginx
from tests.support.server import serving_in_thread

KEY = "a-key-of-the-client-that-has-one"
PATIENCE_S = 120
QUESTION = {"messages": [{"role": "user", "content": "How many days of paid leave are there?"}]}


@pytest.fixture(scope="module")
def served(running_sandbox: RunningSandbox) -> Iterator[str]:
    """The address of the proxy as `rag-proxy serve` runs it, with a client key."""
    settings = Settings(
        lighton_base_url=running_sandbox.url,
        lighton_api_key="lighton-key",
        scaleway_base_url=f"{running_sandbox.url}/v1",
        scaleway_api_key="scaleway-key",
        api_keys=(KEY,),
        keep_warm_s=0,
    )
    with serving_in_thread(server_config(create_app(settings), "error", grace_s=1)) as url:
        yield url


def run(*command: str) -> str:
    program = shutil.which(command[0])
    if program is None:
        pytest.skip(f"needs {command[0]}: the test of that client is left out")
    done = subprocess.run(  # noqa: S603 - a program of this machine, no shell
        [program, *command[1:]], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def content(reply: str) -> Any:
    return json.loads(reply)["choices"][0]["message"]["content"]


def test_java_s_client_is_answered(served: str) -> None:
    program = str(Path(__file__).with_name("Post.java"))
    printed = run("java", program, f"{served}/v1/chat/completions", KEY, json.dumps(QUESTION))
    replies = [line.partition(" ") for line in printed.splitlines()]
    assert [status for status, _, _ in replies] == ["200", "200"]
    assert all("27 days" in content(body) for _, _, body in replies)


def test_curl_that_offers_http_2_is_answered(served: str) -> None:
    headers = ("-H", f"authorization: Bearer {KEY}", "-H", "content-type: application/json")
    body = json.dumps(QUESTION)
    url = f"{served}/v1/chat/completions"
    assert "27 days" in content(run("curl", "-sS", "--http2", *headers, "-d", body, url))


@pytest.fixture
def behind_nginx(served: str) -> Iterator[int]:
    with nginx(urlsplit(served).netloc) as port:
        yield port


def exchange(port: int, raw: bytes) -> bytes:
    """Send a request on a connection of its own; the whole reply."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
        connection.sendall(raw)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def ask_for(model: str) -> bytes:
    return (
        f"GET /v1/models/{model} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
        f"authorization: Bearer {KEY}\r\n\r\n"
    ).encode()


OWN = ask_for("of-the-attacker").replace(b"close", b"keep-alive")
LONG = b"x" * 20_000
"""nginx keeps so long a body in a file, and sends it apart from its head."""


@pytest.mark.parametrize(
    "inner",
    [
        OWN.replace(b"\r\n\r\n", b"\r\nx-long: " + LONG + b"\r\n\r\n"),
        b"GET /v1/models/of-the-attacker HTTP/1.1\r\nx-long: " + LONG,
    ],
    ids=["a request", "a line before the request of another"],
)
@pytest.mark.parametrize("key", ["", f"authorization: Bearer {KEY}\r\n"], ids=["no key", "a key"])
def test_no_client_behind_nginx_speaks_or_hears_as_another(
    behind_nginx: int, inner: bytes, key: str
) -> None:
    offer = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\nupgrade: h2c\r\n"
        f"{key}content-length: {len(inner)}\r\n\r\n"
    ).encode()
    for number in range(5):
        reply = exchange(behind_nginx, offer + inner)
        assert reply.startswith(b"HTTP/1.1 400" if key else b"HTTP/1.1 401")
        mine = exchange(behind_nginx, ask_for(f"mine-{number}"))
        assert mine.startswith(b"HTTP/1.1 404")
        assert f"mine-{number}".encode() in mine
        assert b"attacker" not in mine
