"""`make tag` gives a commit the version that is written in pyproject.toml, if it is fit for it."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE_S = 120.0
pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody whose own settings of git are not known."""
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    by = {
        f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    return subprocess.run(  # noqa: S603 - git and our own script
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **nobody, **by},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def commit(folder: Path, file: str, text: str) -> None:
    (folder / file).write_text(text)
    assert run(folder, "git", "add", file).returncode == 0
    assert run(folder, "git", "commit", "-m", file).returncode == 0


@pytest.fixture(name="checkout")
def _checkout(tmp_path: Path) -> Path:
    """A small project of version 1.2.3, whose changelog has a date."""
    (tmp_path / "scripts").mkdir()
    assert run(tmp_path, "git", "init").returncode == 0
    commit(tmp_path, "scripts/tag-release", (ROOT / "scripts" / "tag-release").read_text())
    commit(
        tmp_path, "pyproject.toml", '[project]\nversion = "1.2.3"\n[tool]\npy_version = "3.11"\n'
    )
    commit(
        tmp_path,
        "CHANGELOG.md",
        "# Changelog\n\n## [1.2.3] - 2026-11-30\n\n## [1.2.2] - 2026-01-02\n",
    )
    return tmp_path


def tag(checkout: Path) -> tuple[int, str, list[str]]:
    """Tag, and return the exit code, what was said, and the tags that there are."""
    done = run(checkout, "sh", "scripts/tag-release")
    return done.returncode, done.stdout + done.stderr, run(checkout, "git", "tag").stdout.split()


def test_the_tag_is_annotated_and_has_the_version_of_pyproject(checkout: Path) -> None:
    code, said, tags = tag(checkout)

    assert (code, tags) == (0, ["v1.2.3"])
    assert "git push origin v1.2.3" in said
    assert run(checkout, "git", "cat-file", "-t", "v1.2.3").stdout == "tag\n"


@pytest.mark.parametrize("newest", ["## [1.2.3] - unreleased", "## [1.2.4] - 2026-11-30"])
def test_an_entry_of_the_changelog_that_is_not_this_release_is_refused(
    checkout: Path, newest: str
) -> None:
    commit(checkout, "CHANGELOG.md", f"# Changelog\n\n{newest}\n")

    code, said, tags = tag(checkout)

    assert (code, tags) == (1, [])
    assert f"'{newest}'; it must be '## [1.2.3] - 20" in said


def test_changes_that_are_not_committed_are_refused(checkout: Path) -> None:
    (checkout / "new.py").touch()

    code, said, tags = tag(checkout)

    assert (code, tags) == (1, [])
    assert "commit or stash" in said


def test_a_version_is_tagged_once(checkout: Path) -> None:
    tag(checkout)
    commit(checkout, "later.py", "")

    code, said, tags = tag(checkout)

    assert (code, tags) == (1, ["v1.2.3"])
    assert "raise the version" in said


def test_the_version_stands_where_the_script_looks_for_it() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    version = tomllib.loads(pyproject)["project"]["version"]

    assert re.findall(r'^version = "(.*)"$', pyproject, re.MULTILINE) == [version]
