"""What `make demo` hands on, how it ends, and what is said where no environment can be made."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.program import PATIENCE_S, clean_environment, running

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OF_MAKE = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES"}
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """An environment that looks complete for the demo, whose rag-proxy says how it was called."""
    (tmp_path / "pyvenv.cfg").touch()
    (tmp_path / ".runtime-installed").touch()
    (tmp_path / ".demo-installed").touch()
    program(tmp_path, 'echo "$@"')
    return tmp_path


def program(venv: Path, script: str) -> None:
    path = venv / "bin" / "rag-proxy"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def environment() -> dict[str, str]:
    """That of someone who types make; the tests may run below one."""
    return {name: value for name, value in clean_environment().items() if name not in OF_MAKE}


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own Makefile
        ["make", *arguments],  # noqa: S607 - whichever make the user has
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.parametrize(
    ("given", "handed_on"),
    [
        ((), "demo"),
        (("PORT=8100",), "demo --port 8100"),
        (("DOCS=my folder", "PORT=0"), "demo --docs my folder --port 0"),
    ],
)
def test_folder_and_port_are_handed_on(venv: Path, given: tuple[str, ...], handed_on: str) -> None:
    assert make("demo", f"VENV={venv}", *given).stdout == f"{handed_on}\n"


def test_ctrl_c_lets_the_demo_end_and_nothing_is_said(venv: Path) -> None:
    program(venv, "trap 'echo ended; exit 130' INT\necho ready\nwhile :; do sleep 0.1; done")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = ["make", "demo", f"VENV={venv}"]
    with running(command, cwd=ROOT, env=environment(), **pipes) as demo:
        assert demo.stdout
        assert demo.stdout.readline() == "ready\n"
        os.killpg(demo.pid, signal.SIGINT)  # as a terminal does: to make, shell and demo
        assert demo.communicate(timeout=PATIENCE_S) == ("ended\n", "")


def test_exit_code_130_of_the_demo_is_no_error(venv: Path) -> None:
    program(venv, "exit 130")
    done = make("demo", f"VENV={venv}")
    assert (done.returncode, done.stderr) == (0, "")


def test_another_way_of_ending_is_an_error(venv: Path) -> None:
    program(venv, "exit 1")
    assert make("demo", f"VENV={venv}").returncode != 0


def test_what_serves_is_installed_as_locked_and_as_the_image_has_it(venv: Path) -> None:
    commands = make("--dry-run", "install", f"VENV={venv}").stdout.splitlines()
    (pinned,) = (line for line in commands if "--require-hashes" in line)
    (package,) = (line for line in commands if "--no-deps" in line)
    (locked,) = re.findall(r"^ .*-r (requirements/\S+)$", DOCKERFILE, re.MULTILINE)

    assert pinned.endswith(f"-r requirements/build.txt -r {locked}")
    assert "--no-build-isolation" in package
    assert "--editable" not in package


def test_ci_leaves_no_test_out(venv: Path) -> None:
    (goal,) = re.findall(r"^make (\S+) VENV=", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    run, every_day = (make("--dry-run", each, f"VENV={venv}").stdout for each in (goal, "test"))
    assert run.endswith(" scripts/test --all\n")
    assert every_day.endswith(" scripts/test\n")


def test_the_help_names_what_can_be_given() -> None:
    assert "(DOCS=folder: your documents; PORT=8100)" in make("help").stdout


def test_the_help_names_targets_of_several_words() -> None:
    assert "make e2e-open-webui " in make("help").stdout


@pytest.mark.parametrize("goal", ["demo", "test"])
def test_without_a_fitting_python_the_way_out_is_what_was_typed_and_a_python(
    tmp_path: Path, goal: str
) -> None:
    done = make(goal, f"VENV={tmp_path / 'new'}", "PYTHON=no-such-python")
    assert f": make {goal} PYTHON=/path/to/python3\n" in done.stderr
    old = tmp_path / "old"
    old.write_text('#!/bin/sh\n[ "$1" = -c ] && exit 1\necho Python 3.9\n')
    old.chmod(0o755)
    done = make(goal, f"VENV={tmp_path / 'new'}", f"PYTHON={old}")
    assert f"is Python 3.9; try: make {goal} PYTHON=python3.12\n" in done.stderr


@pytest.mark.long
def test_an_environment_that_is_being_made_is_announced(tmp_path: Path) -> None:
    new = tmp_path / "new"
    done = make(f"{new}/pyvenv.cfg", f"VENV={new}", f"PYTHON={sys.executable}")
    assert done.stdout == f"Making an environment in {new} ...\n"
    assert (new / "bin" / "python").exists()
