import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.program import PATIENCE_S

ROOT = Path(__file__).parents[2]


def run_without_skips(test_file: Path) -> subprocess.CompletedProcess[str]:
    options = ["-c", "/dev/null", "-p", "no:cacheprovider", "-p", "tests.support.no_skips"]
    return subprocess.run(  # noqa: S603 - runs this project's own plugin
        [sys.executable, "-m", "pytest", *options, str(test_file)],
        cwd=ROOT,
        env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.fixture(name="test_file")
def _test_file(tmp_path: Path) -> Path:
    return tmp_path / "test_sample.py"


SKIPPED_BY_MARK = """
import pytest

@pytest.mark.skip(reason="no node here")
def test_with_node():
    pass
"""
SKIPPED_BY_CALL = """
import pytest

def test_with_node():
    pytest.skip("no node here")
"""
SKIPPED_MODULE = """
import pytest

pytest.skip("no node here", allow_module_level=True)
"""
EXPECTED_TO_FAIL = """
import pytest

@pytest.mark.xfail(reason="known")
def test_known_fault():
    raise AssertionError
"""


@pytest.mark.parametrize(
    "source",
    [SKIPPED_BY_MARK, SKIPPED_BY_CALL, SKIPPED_MODULE],
    ids=["by mark", "by call", "whole module"],
)
def test_a_skipped_test_fails_the_run_and_says_why(test_file: Path, source: str) -> None:
    test_file.write_text(source)

    run = run_without_skips(test_file)

    assert run.returncode in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}
    assert "Nothing may be skipped here, but: " in run.stdout
    assert "no node here" in run.stdout


def test_an_expected_failure_stays_one(test_file: Path) -> None:
    test_file.write_text(EXPECTED_TO_FAIL)

    run = run_without_skips(test_file)

    assert run.returncode == pytest.ExitCode.OK
    assert "1 xfailed" in run.stdout
