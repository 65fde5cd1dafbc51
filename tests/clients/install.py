"""Puts each client into an environment of its own below build/clients, from registries alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.clients.catalogue import Client

OPEN_WEBUI_VENV: Final = "OPEN_WEBUI_VENV"
_PATIENCE_S: Final = 900.0
_NPM_OPTIONS: Final = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
_MARK: Final = ".installed"
_SHOWN: Final = 300


class InstallError(Exception):
    """A client cannot be installed here; the text says why."""


def installed(client: Client, folder: Path) -> Path:
    """Install a client, unless the folder has just that; return the folder with its programs."""
    if client.kind == "reused":
        return _reused(client)
    mark = folder / _MARK
    wanted = "\n".join(client.needs)
    if not (mark.exists() and mark.read_text(encoding="utf-8") == wanted):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (_from_wheels if client.kind == "python" else _from_npm)(client.needs, folder)
        mark.write_text(wanted, encoding="utf-8")
    return folder / "bin" if client.kind == "python" else folder / "node_modules" / ".bin"


def _reused(client: Client) -> Path:
    """Open WebUI has 3 GB, and `make e2e-open-webui` installs it anyway."""
    folder = Path(os.environ.get(OPEN_WEBUI_VENV, ".venv-open-webui")).absolute()
    package = client.version.replace("-", "_").replace("==", "-")
    if not [*folder.glob(f"lib/*/site-packages/{package}.dist-info")]:
        raise InstallError(f"make e2e-open-webui installs it; {OPEN_WEBUI_VENV} says where it is")
    return folder / "bin"


def _from_wheels(needs: Sequence[str], folder: Path) -> None:
    """From wheels only: a build would run code of every dependency."""
    _run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    pip = (sys.executable, "-m", "pip", "--python", str(folder), "--disable-pip-version-check")
    _run(*pip, "install", "--quiet", "--only-binary", ":all:", *needs)


def _from_npm(needs: Sequence[str], folder: Path) -> None:
    if shutil.which("npm") is None:
        raise InstallError("it needs Node and npm")
    pinned = dict(each.rsplit("@", 1) for each in needs)
    package = {"private": True, "dependencies": pinned}
    (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
    _run("npm", "install", "--prefix", str(folder), *_NPM_OPTIONS)


def _run(*command: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - what the catalogue names, no shell
            command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise InstallError(f"{command[0]} took longer than {_PATIENCE_S:g} s") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise InstallError((lines or ["it said nothing"])[-1][:_SHOWN])
