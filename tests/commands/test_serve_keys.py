"""A proxy with a key file, while keys come and go."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import closing, redirect_stdout
from http.client import NOT_FOUND, HTTPConnection
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from proxy.cli import main
from tests.access.key_samples import table
from tests.commands.test_serve import KEYS, started
from tests.support.program import PATIENCE_S, Program, clean_environment

ENV = {**KEYS, "RAG_PROXY_KEYS_FILE": "keys.toml"}
READ = r"INFO proxy\.access: keys\.toml: read 1 client keys\."
WITH_WORKERS = pytest.mark.parametrize("workers", ["1", "2"])


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands work in the folder of the proxy, and in no other environment than it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", clean_environment())


def keys(*arguments: str) -> str:
    """What the command prints, which is run in this process."""
    with redirect_stdout(StringIO()) as out:
        assert main(["keys", *arguments, "--keys-file", "keys.toml"]) == 0
    return out.getvalue().strip()


def make_key() -> str:
    return keys("add", "acme", "--workspace", "42")


def is_let_in(url: str, key: str) -> bool:
    """Whether a request passes the door. The route does not exist: no upstream is asked."""
    address = urlsplit(url)
    opened = HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE_S)
    with closing(opened) as connection:
        headers = {"authorization": f"Bearer {key}"}
        connection.request("GET", "/v1/no-such-route", headers=headers)
        reply = connection.getresponse()
        code = json.load(reply)["error"]["code"]
    assert (reply.status, code) in ((404, "not_found"), (401, "invalid_api_key"))
    return reply.status == NOT_FOUND


def each_worker_says(program: Program, workers: str, pattern: str) -> None:
    for _ in range(int(workers)):
        program.err.until(pattern)


@WITH_WORKERS
def test_keys_are_made_and_revoked_while_the_proxy_runs(tmp_path: Path, workers: str) -> None:
    flags = ["--port", "0", "--workers", workers]
    with Program("serve", *flags, cwd=tmp_path, env=ENV) as program:
        url = started(program)
        missing = r"ERROR proxy\.access: keys\.toml: does not exist\. It lets nobody in\."
        each_worker_says(program, workers, missing)
        assert not is_let_in(url, "anything")
        key = make_key()
        each_worker_says(program, workers, READ)
        assert is_let_in(url, key)
        keys("revoke", "acme")
        each_worker_says(program, workers, r"ERROR proxy\.access: keys\.toml: holds no keys\.")
        assert not is_let_in(url, key)
        assert program.press_ctrl_c() == 130
        log = program.err.rest() + program.out.rest()
        assert key not in log
        assert "Traceback" not in log


@WITH_WORKERS
def test_the_signal_to_read_the_file_again_reaches_every_worker(
    tmp_path: Path, workers: str
) -> None:
    key = make_key()
    then = time.time() - 60
    os.utime(tmp_path / "keys.toml", (then, then))
    flags = ["--port", "0", "--workers", workers]
    with Program("serve", *flags, cwd=tmp_path, env=ENV) as program:
        url = started(program)
        each_worker_says(program, workers, READ)
        os.kill(program.pid, signal.SIGHUP)
        each_worker_says(program, workers, READ)
        assert is_let_in(url, key)
        assert program.press_ctrl_c() == 130


def test_a_broken_file_keeps_the_keys_of_a_proxy_that_runs(tmp_path: Path) -> None:
    key = make_key()
    with Program("serve", "--port", "0", cwd=tmp_path, env=ENV) as program:
        url = started(program)
        (tmp_path / "keys.toml").write_text("[keys")
        program.err.until(r"ERROR .*keys\.toml: not valid TOML .* The keys .* before stay\.")
        assert is_let_in(url, key)
        (tmp_path / "keys.toml").write_text(table())
        program.err.until(READ)
        assert not is_let_in(url, key)
        assert program.press_ctrl_c() == 130


def test_the_proxy_does_not_start_with_a_broken_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("keys.toml").write_text("port = 1")
    monkeypatch.setattr(os, "environ", clean_environment(ENV))
    assert main(["serve", "--port", "0"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "rag-proxy: keys.toml: port: no such table; a key file has only tables [keys.NAME]"
    ]


def test_a_key_file_is_enough_to_listen_for_other_machines(tmp_path: Path) -> None:
    flags = ["--host", "0.0.0.0", "--port", "0", "--keys-file", "other.toml"]  # noqa: S104 - what is tested
    with Program("serve", *flags, cwd=tmp_path, env=KEYS) as program:
        url = started(program)
        program.err.until(r"other\.toml: does not exist")
        assert not is_let_in(url.replace("0.0.0.0", "127.0.0.1"), "anything")  # noqa: S104 - the same
        assert program.press_ctrl_c() == 130


def test_what_is_odd_about_keys_is_a_warning_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text(table(more='profiles = ["hr"]'))
    (tmp_path / "keys.toml").chmod(0o600)
    env = {**ENV, "RAG_PROXY_API_KEYS": "a-key-that-is-long-enough"}
    with Program("serve", "--port", "0", cwd=tmp_path, env=env) as program:
        program.err.until("^rag-proxy: warning: api_keys beside keys_file: each of these keys ")
        program.err.until(r"^rag-proxy: warning: .*keys\.acme\.profiles: no profile is named hr$")
        url = started(program)
        assert is_let_in(url, "a-key-that-is-long-enough")
        assert program.press_ctrl_c() == 130


def test_client_keys_in_a_file_of_their_own_are_no_key_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_key()
    monkeypatch.setenv("RAG_PROXY_API_KEYS_FILE", "keys.toml")
    assert main(["serve"]) == 2
    assert "name it in RAG_PROXY_KEYS_FILE" in capsys.readouterr().err
