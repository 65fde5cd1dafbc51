"""`rag-proxy serve` as a user runs it, in a process of its own."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from proxy.cli import main
from proxy.commands.serve import (
    CANNOT_LOAD,
    create_app_from_environment,
    greeting,
    worker_environment,
)
from proxy.settings import Settings
from tests.support.program import PATIENCE_S, Program, as_in_background, clean_environment

SECRET = "a-key-that-must-not-be-seen"
KEYS = {"LIGHTON_API_KEY": SECRET, "SCALEWAY_API_KEY": SECRET}


def get(url: str) -> Any:
    with urlopen(url, timeout=PATIENCE_S) as reply:  # noqa: S310 - our own http address
        return json.load(reply)


def started(program: Program) -> str:
    """Wait for the first line; give the address in it, without /v1."""
    return program.out.until(r"^rag-proxy \S+ on (http://\S+)/v1 \(model ")[1]


@pytest.fixture
def set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and an environment with keys and no other setting."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", clean_environment(KEYS))
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 2) -> list[str]:
    """What the command says before it ends with an error, line by line."""
    assert main(["serve", *arguments]) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert SECRET not in printed.err
    lines = printed.err.splitlines()
    assert all(line.startswith("rag-proxy: ") for line in lines)
    return lines


def test_it_serves_until_ctrl_c_and_says_nothing_else(tmp_path: Path) -> None:
    with Program("serve", "--port", "0", cwd=tmp_path, env=KEYS, measured=True) as program:
        url = started(program)
        assert get(f"{url}/health") == {"status": "ok"}
        assert program.press_ctrl_c() == 130
        log = program.err.rest()
        assert "Traceback" not in log
        assert SECRET not in log + program.out.rest()


def test_the_signal_to_stop_ends_it(tmp_path: Path) -> None:
    with Program("serve", "--port", "0", cwd=tmp_path, env=KEYS) as program:
        started(program)
        assert program.terminate() == -signal.SIGTERM
        assert program.err.rest() == ""


def test_half_sent_requests_do_not_keep_complete_ones_out(tmp_path: Path) -> None:
    """Not even where the process may open only a few more files than there are of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        program = Program("serve", "--port", "0", cwd=tmp_path, env=KEYS)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with program, ExitStack() as stack:
        url = started(program)
        port = int(url.rpartition(":")[2])
        for _ in range(400):
            half = stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE_S))
            with suppress(ConnectionError):  # it may be closed already
                half.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n")
        assert get(f"{url}/health") == {"status": "ok"}


def test_a_body_that_stops_is_answered_in_the_api_s_words(tmp_path: Path) -> None:
    env = {**KEYS, "RAG_PROXY_BODY_TIMEOUT_S": "0.1"}
    with Program("serve", "--port", "0", cwd=tmp_path, env=env) as program:
        port = int(started(program).rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
            connection.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
                b"content-length: 100\r\n\r\n{"
            )
            reply = b"".join(iter(lambda: connection.recv(65536), b""))
        assert reply.startswith(b"HTTP/1.1 408")
        assert b'"code":"request_timeout"' in reply
        program.err.until("status=408 .* error=request_timeout")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_signal_to_stop_ends_it_also_where_it_was_started_in_the_background(
    tmp_path: Path, workers: str
) -> None:
    with as_in_background():
        program = Program("serve", "--port", "0", "--workers", workers, cwd=tmp_path, env=KEYS)
    with program:
        started(program)
        assert program.terminate() in (0, -signal.SIGTERM)
        assert "Traceback" not in program.err.rest()


def test_workers_load_the_same_settings(tmp_path: Path) -> None:
    """Flags and the configuration file reach the workers, who ask for a key and know profiles."""
    config = tmp_path / "rag-proxy.toml"
    config.write_text(f'api_keys = ["{SECRET}"]\nhost = "192.0.2.1"\nmax_body_bytes = 2\n')
    flags = ["--config", "rag-proxy.toml", "--host", "127.0.0.1", "--port", "0", "--workers", "2"]
    with Program("serve", *flags, cwd=tmp_path, env=KEYS) as program:
        url = started(program)
        assert get(f"{url}/health") == {"status": "ok"}
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
            connection.sendall(b"GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            assert connection.makefile().readline() == "HTTP/1.1 401 Unauthorized\n"
        assert program.press_ctrl_c() == 130
        assert "Traceback" not in program.err.rest()


def test_workers_that_share_nothing_are_warned_about_before_they_serve(tmp_path: Path) -> None:
    with Program("serve", "--port", "0", "--workers", "2", cwd=tmp_path, env=KEYS) as program:
        program.err.until("^rag-proxy: warning: each of the 2 workers keeps its own ")
        started(program)
        assert program.press_ctrl_c() == 130
        assert "warning: " not in program.err.rest()


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def workers_of(program: Program) -> list[int]:
    return [pid for pid in children(program.pid) if b"multiprocessing.spawn" in command_of(pid)]


def command_of(pid: int) -> bytes:
    """The command line of a process; nothing if it has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@on_linux
def test_a_worker_that_dies_is_replaced_and_the_log_says_so(tmp_path: Path) -> None:
    with Program("serve", "--port", "0", "--workers", "2", cwd=tmp_path, env=KEYS) as program:
        url = started(program)
        first, _ = workers_of(program)
        os.kill(first, signal.SIGKILL)
        program.err.until(rf"Worker {first} has ended \(exit code -9\)\. Process .* replaces it\.")
        assert get(f"{url}/health") == {"status": "ok"}
        assert program.press_ctrl_c() == 130


@on_linux
def test_workers_do_not_outlive_whoever_started_them(tmp_path: Path) -> None:
    with Program(
        "serve", "--port", "0", "--workers", "2", cwd=tmp_path, env=KEYS, measured=True
    ) as program:
        started(program)
        assert len(workers_of(program)) == 2
        program.kill()
        log = program.err.rest()  # which ends when all have ended that write it
        assert log.count("The process that started this worker is gone.") == 2


def test_workers_that_share_a_redis_are_not_warned_about(tmp_path: Path, redis_url: str) -> None:
    env = {**KEYS, "RAG_PROXY_REDIS_URL": redis_url}
    with Program("serve", "--port", "0", "--workers", "2", cwd=tmp_path, env=env) as program:
        started(program)
        assert program.press_ctrl_c() == 130
        log = program.err.rest()
        assert "warning: " not in log
        assert "Traceback" not in log


@pytest.mark.usefixtures("set_up")
def test_missing_keys_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(os.environ, "SCALEWAY_API_KEY")
    line, _hint = refused(capsys)
    assert line.startswith("rag-proxy: SCALEWAY_API_KEY is not set: create an API key at ")


@pytest.mark.usefixtures("set_up")
def test_other_machines_are_refused_without_client_keys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (line,) = refused(capsys, "--host", "0.0.0.0")  # noqa: S104 - it is refused
    assert "could read the company's documents" in line


def test_a_wrong_setting_is_named(capsys: pytest.CaptureFixture[str], set_up: Path) -> None:
    (set_up / "x.toml").write_text("prot = 1")
    (line,) = refused(capsys, "--config", "x.toml")
    assert line == "rag-proxy: prot in x.toml: no such setting; did you mean port?"


def test_a_usage_file_that_cannot_be_written_is_named(
    capsys: pytest.CaptureFixture[str], set_up: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_PROXY_USAGE_FILE", str(set_up / "none" / "usage.jsonl"))
    (line,) = refused(capsys)
    assert line.startswith("rag-proxy: RAG_PROXY_USAGE_FILE: cannot write ")
    assert line.endswith("(No such file or directory)")


def test_an_audit_file_that_cannot_be_written_is_named(
    capsys: pytest.CaptureFixture[str], set_up: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(set_up / "pipe")
    for path, why in (
        (set_up / "none" / "audit.jsonl", "No such file or directory"),
        (set_up / "pipe", "It is no regular file"),
    ):
        monkeypatch.setenv("RAG_PROXY_AUDIT_FILE", str(path))
        (line,) = refused(capsys)
        assert line == f"rag-proxy: RAG_PROXY_AUDIT_FILE: cannot write {path} ({why})"


def test_an_audit_file_that_is_the_usage_file_is_refused(
    capsys: pytest.CaptureFixture[str], set_up: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_PROXY_USAGE_FILE", str(set_up / "usage.jsonl"))
    (set_up / "audit.jsonl").symlink_to(set_up / "usage.jsonl")
    monkeypatch.setenv("RAG_PROXY_AUDIT_FILE", str(set_up / "audit.jsonl"))
    (line,) = refused(capsys)
    assert line.endswith("audit.jsonl is the usage file: name another one")


@pytest.mark.usefixtures("set_up")
def test_a_configuration_file_that_is_missing_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (line,) = refused(capsys, "--config", "x.toml")
    assert line.startswith("rag-proxy: x.toml: cannot be read")


def test_a_profile_that_could_never_be_used_is_named(
    capsys: pytest.CaptureFixture[str], set_up: Path
) -> None:
    (set_up / "x.toml").write_text("workspace_id = [1]\n[profiles.hr]\nworkspace_id = [2]")
    (line,) = refused(capsys, "--config", "x.toml")
    assert line.startswith("rag-proxy: profiles.hr.workspace_id: ")


@pytest.mark.usefixtures("set_up")
def test_a_port_in_use_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (line,) = refused(capsys, "--port", str(port), code=1)
    assert line == f"rag-proxy: port {port} on 127.0.0.1 is in use; choose another with --port"


def test_the_first_line_says_what_is_served() -> None:
    settings = Settings(default_model="m", retrieval="hybrid", workspace_id=[42, 43])
    line = greeting(settings, "http://127.0.0.1:1")
    assert line.endswith(
        "on http://127.0.0.1:1/v1 (model m, retrieval hybrid, workspaces 42, 43), "
        "page on http://127.0.0.1:1/"
    )
    assert greeting(Settings(page=False), "http://x").endswith("workspaces all)")


def test_the_first_line_tells_of_the_profile_that_is_the_default_and_names_them_all() -> None:
    hr = {"model": "m", "retrieval": "hybrid", "workspace_id": [42]}
    settings = Settings(default_model="hr", profiles={"hr": hr, "legal": {}})
    assert greeting(settings, "http://x").endswith(
        " (model m of profile hr, retrieval hybrid, workspaces 42; profiles hr, legal), "
        "page on http://x/"
    )


@pytest.mark.usefixtures("set_up")
def test_other_machines_are_refused_with_a_client_key_that_can_be_guessed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "RAG_PROXY_API_KEYS", f"hunter2,{SECRET}")
    (line,) = refused(capsys, "--host", "0.0.0.0")  # noqa: S104 - it is refused
    assert "fewer than 20 characters can be guessed (number 1 of 2)" in line


@pytest.mark.usefixtures("set_up")
def test_a_key_under_a_misspelt_name_is_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, set_up: Path
) -> None:
    monkeypatch.delitem(os.environ, "SCALEWAY_API_KEY")
    monkeypatch.delitem(os.environ, "LIGHTON_API_KEY")
    monkeypatch.setitem(os.environ, "SCALEWAY_API_KY", SECRET)
    (set_up / ".env").write_text(f"LIGHTON_APIKEY={SECRET}")
    lighton, scaleway, _hint = refused(capsys)
    assert "(is LIGHTON_APIKEY a misspelling of it?)" in lighton
    assert "(is SCALEWAY_API_KY a misspelling of it?)" in scaleway


def test_flags_become_the_variables_that_workers_read() -> None:
    flags: dict[str, str | int | None] = {"host": "127.0.0.2", "port": 0, "workers": None}
    assert worker_environment(Path("a.toml"), flags) == {
        "RAG_PROXY_CONFIG": "a.toml",
        "RAG_PROXY_HOST": "127.0.0.2",
        "RAG_PROXY_PORT": "0",
    }
    assert worker_environment(None, {}) == {}


def test_a_worker_s_application_is_made_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAG_PROXY_LOG_LEVEL", "info")
    assert callable(create_app_from_environment())
    monkeypatch.setenv("RAG_PROXY_LOG_LEVEL", "loud")
    with pytest.raises(SystemExit) as ended:
        create_app_from_environment()
    assert ended.value.code == CANNOT_LOAD
    assert capsys.readouterr().err.startswith("rag-proxy: RAG_PROXY_LOG_LEVEL: must be one of ")


def test_what_makes_it_less_safe_or_useful_is_warned_about_before_it_serves(tmp_path: Path) -> None:
    env = {
        **KEYS,
        "SCALEWAY_BASE_URL": "http://vllm.internal:8000/v1",
        "RAG_PROXY_REDIS_URL": f"redis://:{SECRET}@127.0.0.1:1",
    }
    with Program("serve", "--port", "0", cwd=tmp_path, env=env, measured=True) as program:
        program.err.until("^rag-proxy: warning: SCALEWAY_BASE_URL begins with http://: .* in clear")
        program.err.until("^rag-proxy: warning: Redis: .* cannot be used: nothing listens there")
        started(program)
        assert program.press_ctrl_c() == 130
        assert SECRET not in program.err.rest()


def test_it_loads_nothing_that_its_settings_do_not_ask_for(tmp_path: Path) -> None:
    code = (
        "import sys; from proxy.app import create_app; from proxy.settings import Settings;"
        "import proxy.commands.serve; create_app(Settings());"
        "heavy = {'httpx', 'joserfc', 'jsonschema', 'openai', 'opentelemetry', 'prometheus_client',"
        " 'pypdfium2', 'redis'}; sys.exit(','.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(  # noqa: S603 - our own code, no shell
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("set_up")
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("RAG_PROXY_CA_FILE=none.pem", "ca_file: the file cannot be read"),
        ("SSL_CERT_FILE=none.pem", "SSL_CERT_FILE: the file cannot be read"),
        (f"HTTPS_PROXY=http://u:{SECRET}@p:port", "HTTPS_PROXY: must be a proxy's address"),
        (f"ALL_PROXY=socks5://u:{SECRET}@p:1", "ALL_PROXY: SOCKS proxies are not supported"),
    ],
)
def test_a_way_out_that_cannot_be_is_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    said: str,
    workers: str,
) -> None:
    name, _, value = variable.partition("=")
    monkeypatch.setitem(os.environ, name, value)
    assert main(["serve", "--port", "0", "--workers", workers]) == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith(f"rag-proxy: {said}")
    assert SECRET not in line
