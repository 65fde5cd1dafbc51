import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.program import PATIENCE_S

ROOT = Path(__file__).parents[2]
SAYS = "left out: 2 long tests; make test-all runs them\n"
TESTS = """
import pytest

@pytest.mark.long
@pytest.mark.parametrize("number", [1, 2])
def test_that_starts_a_browser(number):
    raise AssertionError

def test_that_counts():
    pass
"""


def run_quickly(folder: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_sample.py").write_text(source)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = long: takes long\n")
    plugins = ["-p", "no:cacheprovider", "-p", "tests.support.quick", *options]
    return subprocess.run(  # noqa: S603 - runs this project's own plugin
        [sys.executable, "-m", "pytest", "-c", str(folder / "pytest.ini"), *plugins, str(folder)],
        cwd=ROOT,
        env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.parametrize(
    "options", [(), ("-p", "xdist", "--numprocesses=2")], ids=["one process", "two processes"]
)
def test_long_tests_are_left_out_and_the_summary_counts_them(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    run = run_quickly(tmp_path, TESTS, *options)

    assert run.returncode == pytest.ExitCode.OK, run.stdout
    assert "1 passed" in run.stdout
    assert SAYS in run.stdout


def test_nothing_is_said_where_nothing_is_left_out(tmp_path: Path) -> None:
    run = run_quickly(tmp_path, TESTS.replace("@pytest.mark.long\n", ""))

    assert run.returncode == pytest.ExitCode.TESTS_FAILED
    assert "left out" not in run.stdout
