"""`rag-proxy sandbox`: the stand-ins by themselves."""

import json
import shlex
import signal
import socket
from pathlib import Path

import pytest

from proxy.commands.sandbox import hint
from tests.support.program import PATIENCE_S, Program, run_program


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "test.md").write_text("# Test results\n\nThe test of the lift was in May.\n")
    return folder


def test_a_proxy_works_with_the_variables_that_it_prints(docs: Path, tmp_path: Path) -> None:
    arguments = ["--docs", str(docs), "--port", "0"]
    with Program("sandbox", *arguments, cwd=tmp_path, measured=True) as sandbox:
        variables: dict[str, str] = {}
        for _ in range(2):
            line = sandbox.out.until(r"_BASE_URL=(.*)\\$").string
            words = shlex.split(line.rstrip("\\\n"))
            variables |= {name: value for name, _, value in (word.partition("=") for word in words)}
        done = run_program("check", cwd=tmp_path, env=variables)
        assert done.returncode == 0, done.stdout
        assert sandbox.press_ctrl_c() == 130
        assert sandbox.err.rest().strip() == "indexed 1 document (1 passage, 1 workspace)"


def test_the_printed_variables_name_both_upstreams() -> None:
    text = hint("http://127.0.0.1:1")
    assert "LIGHTON_BASE_URL=http://127.0.0.1:1 LIGHTON_API_KEY=" in text
    assert "SCALEWAY_BASE_URL=http://127.0.0.1:1/v1 SCALEWAY_API_KEY=" in text
    assert "any key will do, except one\nthat begins with bad" in text


def test_listening_for_other_machines_is_warned_of(docs: Path, tmp_path: Path) -> None:
    arguments = ["--docs", str(docs), "--host", "0.0.0.0", "--port", "0"]  # noqa: S104 - a test's
    with Program("sandbox", *arguments, cwd=tmp_path) as sandbox:
        sandbox.err.until(r"^http://0\.0\.0\.0:\d+: anyone who reaches it can read the documents$")
        sandbox.out.until(r"^LIGHTON_BASE_URL=http://127\.0\.0\.1:\d+ ")
        sandbox.press_ctrl_c()


def test_attached_it_says_where_it_is_and_ends_with_its_input(docs: Path, tmp_path: Path) -> None:
    arguments = ["--attached", "--docs", str(docs), "--port", "0"]
    with Program("sandbox", *arguments, cwd=tmp_path, measured=True) as sandbox:
        said = json.loads(sandbox.out.until("").string)
        assert said["question"] == "What does Test results say?"
        address = ("127.0.0.1", int(said["url"].rpartition(":")[2]))
        socket.create_connection(address, timeout=PATIENCE_S).close()
        sandbox.close_stdin()
        assert sandbox.wait() == -signal.SIGTERM
        assert sandbox.out.rest() == ""


def test_a_folder_without_documents_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    done = run_program("sandbox", "--docs", str(tmp_path), "--port", "0", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("rag-proxy: Invalid value for --docs: ")
    assert done.stderr.count("\n") == 1
