"""The command: what it says of clients that are missing, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.clients.__main__ import main
from tests.clients.install import OPEN_WEBUI_VENV


def clients(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, arguments)
    return done.exit_code, done.output


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_client_that_is_not_installed_is_loud_and_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OPEN_WEBUI_VENV, str(tmp_path / "nowhere"))
    code, said = clients("--only", "open-webui")
    assert code == 0
    assert "NOT INSTALLED: make e2e-open-webui installs it" in said
    made = (tmp_path / "build" / "clients" / "table.md").read_text(encoding="utf-8")
    assert "| Open WebUI | `open-webui==0.12.4` | not installed (1) |" in made
    assert made.startswith("Made on ")


def test_a_client_that_fails_is_told_and_fails_the_command(tmp_path: Path) -> None:
    """An installation whose Python ends at once stands for any broken client."""
    home = tmp_path / "build" / "clients" / "instructor"
    broken = home / "bin" / "python"
    broken.parent.mkdir(parents=True)
    broken.write_text("#!/bin/sh\necho 'ImportError: no such thing' >&2\n", encoding="utf-8")
    broken.chmod(0o755)
    (home / ".installed").write_text("instructor==1.17.0", encoding="utf-8")
    code, said = clients("--only", "instructor")
    assert code == 1
    assert "Answer: failed: the program ended: ImportError: no such thing" in said


def test_part_of_a_table_is_not_written() -> None:
    code, said = clients("--write", "--only", "openai-node")
    assert code == 2
    assert "--write goes without --only" in said


def test_a_name_that_no_client_has_is_refused() -> None:
    assert clients("--only", "no-such")[0] == 2
