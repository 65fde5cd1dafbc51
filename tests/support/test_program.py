"""Programs that tests start: they hear Ctrl-C, and nobody waits for one for ever."""

import ast
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import program
from tests.support.program import (
    PATIENCE_S,
    as_in_background,
    clean_environment,
    hear_interrupts,
    running,
)

ROOT = Path(__file__).parents[2]
HEARS_CTRL_C = "import signal; print(signal.getsignal(signal.SIGINT) is not signal.SIG_IGN)"
RUNS = {"run", "call", "check_call", "check_output"}


def test_coverage_sees_a_program_only_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COVERAGE_PROCESS_CONFIG", "x")
    assert "COVERAGE_PROCESS_CONFIG" not in clean_environment()
    assert clean_environment(measured=True)["COVERAGE_PROCESS_CONFIG"] == "x"


def hears_ctrl_c() -> bool:
    """Whether a program that is started now does."""
    said = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", HEARS_CTRL_C], capture_output=True, timeout=PATIENCE_S, check=True
    )
    return said.stdout == b"True\n"


def test_programs_hear_ctrl_c_also_where_the_tests_were_started_in_the_background() -> None:
    assert hears_ctrl_c()
    with as_in_background():
        assert not hears_ctrl_c()
        hear_interrupts()
        assert hears_ctrl_c()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_tests_see_to_that_before_the_first_one_runs(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(
        "import subprocess, sys, tests.conftest\n"
        "def test_it() -> None:\n"
        f"    command = [sys.executable, '-c', {HEARS_CTRL_C!r}]\n"
        "    assert subprocess.check_output(command, timeout=120) == b'True\\n'\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        "/dev/null",
        "-p",
        "no:cacheprovider",
        str(file),
    ]
    with as_in_background():
        done = subprocess.run(  # noqa: S603 - this Python
            command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    assert done.returncode == 0, done.stdout


def test_reading_from_a_program_that_hangs_comes_to_an_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(program, "PATIENCE_S", 0.2)
    code = "import time; print(flush=True); time.sleep(600)"
    with running([sys.executable, "-c", code], stdout=subprocess.PIPE) as hung:
        assert hung.stdout
        assert hung.stdout.read().strip() == ""
        assert hung.wait(PATIENCE_S) == -signal.SIGKILL


def waits_without_limit(code: str) -> Iterator[int]:
    """The lines on which a program is run without a time limit."""
    nodes = list(ast.walk(ast.parse(code)))
    for node in nodes:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        of, name = node.func.value, node.func.attr
        if isinstance(of, ast.Name) and of.id == "subprocess" and name in RUNS:
            if not any(each.arg == "timeout" for each in node.keywords):
                yield node.lineno
        elif name == "communicate" and not (node.args[1:] or node.keywords):
            yield node.lineno
    for node in nodes:
        if isinstance(node, ast.With) and "subprocess.Popen(" in ast.unparse(node.items[0]):
            yield node.lineno  # which waits at its end


def test_every_test_that_runs_a_program_has_a_limit() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{line}"
        for file in (ROOT / "tests").rglob("*.py")
        for line in waits_without_limit(file.read_text())
    ]
    assert found == []
