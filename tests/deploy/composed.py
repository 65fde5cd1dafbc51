"""`deploy/compose.yaml` without an engine: the proxy's container as a process of this machine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploy.fronted import DEPLOY

COMPOSE: Final[dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
PROXY: Final[dict[str, Any]] = COMPOSE["services"]["proxy"]

# An engine that runs the command of the proxy's container as the file says, and builds nothing.
_ENGINE: Final = """\
#!/bin/sh
[ "$1 $2" = "compose build" ] && exit
while [ "$1" != proxy ]; do shift; done
shift
exec {program} "$@"
"""


@dataclass(frozen=True)
class Composed:
    """A copy of `deploy/`, in which the container's paths are those of the copy."""

    folder: Path

    @classmethod
    def copied_to(cls, folder: Path) -> Composed:
        deploy = folder / "deploy"
        shutil.copytree(DEPLOY, deploy, ignore=shutil.ignore_patterns("secrets", "keys", ".env"))
        return cls(deploy)

    def command(self, *arguments: str) -> list[str]:
        """The entrypoint with arguments, or with those of the file."""
        return self._here([*PROXY["entrypoint"], *(arguments or PROXY["command"])])

    def environment(self) -> dict[str, str]:
        names = PROXY["environment"]
        return dict(zip(names, self._here(list(names.values())), strict=True))

    def engine(self, folder: Path) -> None:
        """Put a program `docker` into the folder."""
        script = folder / "entry"
        words = self.command("x")[:-1]
        quoted = " ".join(f"'{word}'" for word in words)
        script.write_text(f'#!/bin/sh\nexec {quoted} "$@"\n')
        program = folder / "docker"
        program.write_text(_ENGINE.format(program=script))
        for each in (script, program):
            each.chmod(0o755)

    def _here(self, words: list[str]) -> list[str]:
        places = {"/run/secrets/": f"{self.folder}/secrets/"}
        for volume in PROXY["volumes"]:
            source, target, *_ = volume.split(":")
            places[f"{target}/"] = f"{self.folder / source}/"
        return [self._moved(word.replace("$$", "$"), places) for word in words]

    @staticmethod
    def _moved(word: str, places: dict[str, str]) -> str:
        for inside, outside in places.items():
            word = word.replace(inside, outside)
        return word
