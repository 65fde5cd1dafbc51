"""`rag-proxy demo`: what it prints works as printed, and nothing of it stays behind."""

import ast
import json
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote

import pytest

from proxy.cli import main
from proxy.commands.demo import (
    StandIns,
    choose_port,
    demo_settings,
    end,
    hints,
    python_with_openai,
    question,
    real_keys,
    traced_by,
)
from proxy.settings import Settings
from tests.support.program import PATIENCE_S, Program, clean_environment, run_program, running

CURL = shutil.which("curl")


def python_part(text: str) -> str:
    """The Python program in what the demo prints."""
    return text[text.index("from openai import") : text.index("print()\n") + len("print()\n")]


def printed(program: Program) -> str:
    """Everything that the demo says before it serves."""
    lines: list[str] = []
    while "Ctrl-C ends" not in "".join(lines[-1:]):
        lines.append(program.out.until("").string)
    return "".join(lines)


@pytest.mark.skipif(CURL is None, reason="needs curl")
def test_the_curl_line_and_the_python_program_work_as_printed(tmp_path: Path) -> None:
    with Program("demo", "--port", "0", cwd=tmp_path) as demo:
        text = printed(demo)
        curl = re.search(r"^curl .*$", text, flags=re.MULTILINE)
        assert curl
        replied = subprocess.run(  # noqa: S602 - the line is meant for a shell
            curl[0], shell=True, capture_output=True, text=True, timeout=PATIENCE_S, check=True
        )
        message = json.loads(replied.stdout)["choices"][0]["message"]
        assert "The retrieval mode decides when" in message["content"]
        assert message["annotations"]

        page = re.search(r"^(http://\S+/)#q=\S+$", text, flags=re.MULTILINE)
        assert page
        with urllib.request.urlopen(page[1], timeout=PATIENCE_S) as reply:  # noqa: S310 - our own
            assert b"Ask your documents" in reply.read()

        program = tmp_path / "program.py"
        program.write_text(python_part(text), encoding="utf-8")
        streamed = subprocess.run(  # noqa: S603 - the program that was printed
            [sys.executable, program],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
        assert streamed.stdout.rstrip("\n") == message["content"]

        pasted = subprocess.run(
            [sys.executable, "-i", "-q", "-c", ""],
            input=python_part(text),
            env=clean_environment({"TERM": "dumb"}),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
        assert message["content"] in pasted.stdout
        assert "Error" not in pasted.stderr
        demo.err.until(r"POST /v1/chat/completions status=200 ")


def test_ctrl_c_ends_it_quietly_with_everything_it_started(tmp_path: Path) -> None:
    with Program("demo", "--port", "0", cwd=tmp_path, measured=True) as demo:
        printed(demo)
        assert demo.press_ctrl_c() == 130
        said = demo.err.rest().strip()
        assert said.startswith("indexed ")
        assert said.count("\n") == 0


def test_the_stand_ins_end_also_when_the_demo_is_killed(tmp_path: Path) -> None:
    with Program("demo", "--port", "0", cwd=tmp_path) as demo:
        printed(demo)
        demo.kill()
        demo.err.rest()  # ends when the last process that can write to it has ended


def test_real_keys_are_not_used_and_it_says_so(tmp_path: Path) -> None:
    env = {"CONSOLE_API_KEY": "real", "SCALEWAY_API_KEY": "real", "SCALEWAY_BASE_URL": "http://x"}
    (tmp_path / ".env").write_text("RAG_PROXY_RETRIEVAL=nonsense")
    with Program("demo", "--port", "0", cwd=tmp_path, env=env) as demo:
        demo.out.until(r"^Not used: CONSOLE_API_KEY, SCALEWAY_API_KEY\.")
        demo.out.until(r"^Ctrl-C ends")
        assert demo.press_ctrl_c() == 130


def test_a_folder_of_documents_is_asked_about_itself(tmp_path: Path) -> None:
    folder = tmp_path / "handbook"
    folder.mkdir()
    (folder / "leave.md").write_text("# Paid leave\n\nThere are thirty days of paid leave.\n")
    with Program("demo", "--docs", str(folder), "--port", "0", cwd=tmp_path) as demo:
        text = printed(demo)
        program = python_part(text)
        assert "What does Paid leave say?" in program
        done = subprocess.run(  # noqa: S603 - the program that was printed
            [sys.executable, "-c", program],
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
        assert "thirty days" in done.stdout


def test_a_taken_port_is_one_line_that_names_the_way_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MAKELEVEL", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["demo", "--port", str(port)]) == 1
    assert capsys.readouterr() == (
        "",
        f"rag-proxy: port {port} on 127.0.0.1 is in use; choose another with --port\n",
    )


def test_stand_ins_that_do_not_end_are_killed() -> None:
    code = "import time; print(flush=True); time.sleep(600)"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with running([sys.executable, "-c", code], **pipes) as process:
        end(process, patience_s=0)
    assert process.returncode == -signal.SIGKILL


def test_when_the_stand_ins_cannot_start_they_alone_say_why(tmp_path: Path) -> None:
    done = run_program("demo", "--docs", str(tmp_path), "--port", "0", cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("rag-proxy: Invalid value for --docs: ")


def test_the_settings_of_the_demo_lead_to_the_stand_ins() -> None:
    settings = demo_settings(StandIns("http://127.0.0.1:1", "x"))
    assert settings.lighton_base_url == "http://127.0.0.1:1"
    assert settings.scaleway_base_url == "http://127.0.0.1:1/v1"
    assert "no-language-model" in settings.default_model


def forwarded_status(url: str) -> int:
    request = urllib.request.Request(  # noqa: S310 - the demo's own address
        f"{url}/v1/models", headers={"X-Forwarded-For": "203.0.113.7"}
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as reply:  # noqa: S310
            return int(reply.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.mark.parametrize(
    ("options", "env", "status"),
    [
        ((), {}, 200),
        (("--docs", "."), {}, 403),
        (("--docs", "."), {"RAG_PROXY_ALLOW_FORWARDED": "true"}, 200),
        (("--docs", ".", "--allow-forwarded"), {}, 200),
    ],
)
def test_only_the_proxys_own_manual_is_served_through_a_reverse_proxy_unasked(
    tmp_path: Path, options: tuple[str, ...], env: dict[str, str], status: int
) -> None:
    (tmp_path / "leave.md").write_text("# Paid leave\n\nThere are thirty days of paid leave.\n")
    with Program("demo", "--port", "0", *options, cwd=tmp_path, env=env) as demo:
        url = re.search(r"http://127\.0\.0\.1:\d+", printed(demo))
        assert url
        assert forwarded_status(url[0]) == status


def test_only_variables_with_real_keys_are_named() -> None:
    environment = {"SCW_SECRET_KEY": "x", "LIGHTON_API_KEY": "", "LIGHTON_BASE_URL": "x"}
    assert real_keys(environment) == ["SCW_SECRET_KEY"]


def test_the_question_fits_the_documents() -> None:
    stand_ins = StandIns("http://x", "Why?")
    assert question(Path("docs"), stand_ins) == "Why?"
    assert question(None, stand_ins) == "Which retrieval modes are there?"


def test_under_make_the_port_can_be_chosen_as_make_has_it() -> None:
    assert choose_port({"MAKELEVEL": "1"}) == "--port (make demo PORT=…)"
    assert choose_port({}) == "--port"


def test_the_environment_s_python_is_said_as_it_can_be_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / ".venv" / "bin" / "python"
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    monkeypatch.setattr(sys, "executable", str(python))
    assert python_with_openai() == str(python)
    monkeypatch.chdir(tmp_path)
    assert python_with_openai() == ".venv/bin/python"
    assert "(.venv/bin/python has it)" in hints("http://x", "?")
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert python_with_openai() == ""
    assert "with the openai package:" in hints("http://x", "?")


@pytest.mark.parametrize("ask", ['What\'s "x" $HOME `ls` \\n?', "Où? {ask} 日本"])
def test_any_question_survives_shell_and_python(ask: str) -> None:
    text = hints("http://x", ask)
    curl = next(line for line in text.splitlines() if line.startswith("curl "))
    assert json.loads(shlex.split(curl)[-1])["messages"][0]["content"] == ask
    page = next(line for line in text.splitlines() if line.startswith("http://x/#q="))
    assert unquote(page.removeprefix("http://x/#q=")) == ask
    assert re.fullmatch(r"[\w.%~-]+", page.removeprefix("http://x/#q="), re.ASCII)
    strings = {
        each.value
        for each in ast.walk(ast.parse(python_part(text)))
        if isinstance(each, ast.Constant)
    }
    assert ask in strings
    assert f'"content": {json.dumps(ask, ensure_ascii=False)}' in python_part(text)


def test_the_demo_sends_traces_where_open_telemetry_s_variables_say() -> None:
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:6006"}
    assert traced_by(Settings(), {**told, "HTTP_PROXY": "http://proxy.test"}) == told


def test_the_demo_goes_on_without_traces_that_it_cannot_send(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4317",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    }
    assert traced_by(Settings(), told) == {}
    assert capsys.readouterr().out.startswith("Without traces. OTEL_EXPORTER_OTLP_PROTOCOL: ")
