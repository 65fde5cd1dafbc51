"""`python -m bench.install`: puts the peers into bench/.peers, from package registries alone.

It changes nothing outside that folder and starts nothing. If it cannot get a peer it says so, and
goes on: the table will have a line for it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import orjson

from bench.peers import NOT_INSTALLED, PEERS, peers

_PATIENCE_S: Final = 900.0
_NPM_OPTIONS: Final = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
_PORTKEY: Final = {
    "private": True,
    "dependencies": {"@portkey-ai/gateway": "1.15.2", "@hono/node-server": "1.13.8"},
    # A later version answers every stream with 500, "TypeError: immutable".
    "overrides": {"@hono/node-server": "1.13.8"},
}


class InstallError(RuntimeError):
    """An installation failed."""


@dataclass(frozen=True, slots=True)
class Step:
    """How one peer is installed into a folder of its own."""

    gateway: str
    folder: str
    install: Callable[[Path], None]


def _from_wheels(requirement: str) -> Callable[[Path], None]:
    """An environment of its own, from wheels only: a build would run code of every dependency."""

    def install(folder: Path) -> None:
        _run(sys.executable, "-m", "venv", str(folder))
        pip = (str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check")
        _run(*pip, "install", "--quiet", "--only-binary", ":all:", requirement)

    return install


def _from_npm(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "package.json").write_bytes(orjson.dumps(_PORTKEY))
    _run("npm", "install", "--prefix", str(folder), *_NPM_OPTIONS)


def _from_debian(folder: Path) -> None:
    """Unpacked, not installed: so it sets up no service and needs no root."""
    folder.mkdir(parents=True)
    _run("apt-get", "download", "--quiet", "nginx", cwd=folder)
    for package in folder.glob("*.deb"):
        _run("dpkg-deb", "--extract", str(package), str(folder))
        package.unlink()


STEPS: Final = (
    Step("nginx", "nginx", _from_debian),
    Step("TensorZero", "tensorzero", _from_wheels("tensorzero==2026.6.0")),
    Step("agentic-api", "agentic-api", _from_wheels("agentic-api==0.9.0")),
    Step("Portkey", "portkey", _from_npm),
    # The newest of its line whose requirements the registry has.
    Step("LiteLLM", "litellm", _from_wheels("litellm[proxy]==1.106.2")),
)


def install_all(steps: Sequence[Step] = STEPS, home: Path = PEERS) -> None:
    """Install what is missing, and say for each peer what is there."""
    known = {peer.name: peer for peer in peers()}
    for step in steps:
        gateway = known[step.gateway]
        if gateway.missing() == NOT_INSTALLED:
            click.echo(f"{step.gateway}: installing ...")
            try:
                _install(step, home / step.folder)
            except InstallError as fault:
                click.echo(f"{step.gateway}: could not be installed: {fault}")
                continue
        problem = gateway.missing()
        click.echo(f"{step.gateway}: {problem or gateway.version()}")


def _install(step: Step, folder: Path) -> None:
    """All or nothing: the remains of a failed attempt would pass for the peer."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        step.install(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _run(*argv: str, cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(  # noqa: S603  # package clients, with arguments from above
            argv,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise InstallError(str(fault)) from fault
    if done.returncode:
        lines = done.stdout.strip().splitlines() or [f"{argv[0]} ended with {done.returncode}"]
        raise InstallError(lines[-1])


if __name__ == "__main__":
    install_all()
