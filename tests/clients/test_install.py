"""What cannot be installed is said, and what is there is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.catalogue import Client
from tests.clients.install import OPEN_WEBUI_VENV, InstallError, installed

PYTHON = Client("One", "chat", "python", ("one==1.0",), "one.py")
NODE = Client("Two", "chat", "node", ("two@2.0",), "two.mjs")
REUSED = Client("Three", "chat", "reused", ("open-webui==0.1",), "three.py")


@pytest.mark.parametrize(("client", "programs"), [(PYTHON, "bin"), (NODE, "node_modules/.bin")])
def test_what_is_installed_already_stays(tmp_path: Path, client: Client, programs: str) -> None:
    (tmp_path / ".installed").write_text("\n".join(client.needs), encoding="utf-8")
    (tmp_path / "kept").touch()
    assert installed(client, tmp_path) == tmp_path / programs
    assert (tmp_path / "kept").exists()


def test_another_version_is_installed_anew_and_a_failure_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "env"
    folder.mkdir()
    (folder / ".installed").write_text("one==0.9", encoding="utf-8")
    no_wheel = Client("One", "chat", "python", (str(tmp_path / "no-such.whl"),), "one.py")
    with pytest.raises(InstallError, match=r"no-such\.whl"):
        installed(no_wheel, folder)
    assert not (folder / ".installed").exists()


def test_without_node_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InstallError, match="needs Node and npm"):
        installed(NODE, tmp_path / "env")


def test_one_that_others_install_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OPEN_WEBUI_VENV, str(tmp_path))
    (tmp_path / "lib/python3.11/site-packages/open_webui-0.1.dist-info").mkdir(parents=True)
    assert installed(REUSED, tmp_path / "unused") == tmp_path / "bin"


def test_one_that_nobody_has_installed_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OPEN_WEBUI_VENV, str(tmp_path))
    with pytest.raises(InstallError, match="make e2e-open-webui"):
        installed(REUSED, tmp_path / "unused")
