"""What the Dockerfile installs is enough to serve and to check its health.

Its own RUN lines run in a folder, without a container engine, and then its own commands. The base
image, the user's rights and the layers are left to an engine.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from bench.sockets import free_port
from tests.support.program import PATIENCE_S, running

ROOT = Path(__file__).parents[1]
BUILD_PATIENCE_S = 250.0
SYSTEM_PATH = "/usr/bin:/bin"
UPSTREAM_KEYS = {
    "LIGHTON_API_KEY": "dummy",
    "SCALEWAY_API_KEY": "dummy",
    "RAG_PROXY_KEEP_WARM_S": "0",  # nothing outside is spoken to
}
LIST_INSTALLED = """
from importlib.metadata import distributions
for each in distributions():
    print(f"{each.name}=={each.version}")
"""
PACKAGE_INDEX_ACCESS = ("PIP_", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")

_UNCOMMENTED = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
_, BUILD, FINAL = re.sub(r"\\\n\s*", "", _UNCOMMENTED).split("\nFROM ")


def given(stage: str, instruction: str) -> list[str]:
    return re.findall(rf"^{instruction} (.+)$", stage, re.MULTILINE)


def copied() -> Iterator[str]:
    """Yield what the build takes from the checkout: files, and folders with a slash at the end."""
    for line in given(BUILD, "COPY"):
        *names, target = line.split()
        assert target in {"./", *names}
        yield from names


def inside(folder: Path, line: str) -> str:
    """The line with every absolute path moved below `folder`."""
    return re.sub(r"(?<![\w./-])/(?=\w)", f"{folder}/", line)


@dataclass(frozen=True)
class Image:
    folder: Path

    def command(self, *instructions: str) -> list[str]:
        """The words of instructions in the JSON form, such as `CMD ["serve"]`."""
        lines = [line for name in instructions for line in given(FINAL, name)]
        return [word for line in lines for word in json.loads(line[line.index("[") :])]

    def environment(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        (line,) = given(FINAL, "ENV")
        line = Template(inside(self.folder, line)).substitute(PATH=SYSTEM_PATH)
        return dict(word.split("=", 1) for word in shlex.split(line)) | (extra or {})

    def run(self, command: list[str], extra: dict[str, str]) -> subprocess.CompletedProcess[str]:
        env = self.environment(extra)
        program = shutil.which(command[0], path=env["PATH"])
        return subprocess.run(  # noqa: S603 - the commands are the image's own
            [str(program), *command[1:]],
            cwd=self.folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )


@pytest.fixture(name="image", scope="module")
def _image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Run the RUN lines in a folder; all that stays is what the final stage copies."""
    folder = tmp_path_factory.mktemp("image")
    source = folder / "src"
    source.mkdir()
    for name in copied():
        copy: Any = shutil.copytree if name.endswith("/") else shutil.copy
        copy(ROOT / name, source / name)
    base = shlex.quote(str(Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")))
    for line in given(BUILD, "RUN"):
        done = subprocess.run(  # noqa: S603 - the Dockerfile's own lines
            ["/bin/sh", "-c", f'python() {{ {base} "$@"; }}; {inside(folder, line)}'],
            cwd=source,
            env={"PATH": SYSTEM_PATH, **_index_access()},
            capture_output=True,
            text=True,
            check=False,
            timeout=BUILD_PATIENCE_S,
        )
        assert done.returncode == 0, done.stderr
    assert given(FINAL, "COPY") == ["--from=build /opt/venv /opt/venv"]
    for made in (source, folder / "dist", folder / "opt" / "build"):
        shutil.rmtree(made)
    return Image(folder)


def _index_access() -> dict[str, str]:
    """What lets pip download as this machine does, and use its cache."""
    access = {k: v for k, v in os.environ.items() if k.upper().startswith(PACKAGE_INDEX_ACCESS)}
    command = [sys.executable, "-m", "pip", "cache", "dir"]
    found = subprocess.run(  # noqa: S603 - pip
        command, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    return access | ({"PIP_CACHE_DIR": found.stdout.strip()} if found.returncode == 0 else {})


def _canonical(pin: str) -> str:
    name, _, version = pin.partition("==")
    return f"{canonicalize_name(name)}=={version}"


@pytest.mark.long
def test_the_image_holds_what_is_pinned_for_serving_and_nothing_else(image: Image) -> None:
    installed = image.run(["python", "-c", LIST_INSTALLED], {}).stdout.split()
    lines = (ROOT / "requirements" / "serving.txt").read_text()
    pins = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?(==[^\s;]+)", lines, re.MULTILINE)
    pinned = set(map("".join, pins))

    (added,) = set(map(_canonical, installed)) - pinned

    assert added.startswith("rag-proxy==")
    assert not list(image.folder.rglob("bin/pip*"))


@pytest.mark.long
def test_the_healthcheck_tells_a_serving_container_from_a_dead_one(image: Image) -> None:
    healthcheck = image.command("HEALTHCHECK")
    port = {"RAG_PROXY_PORT": str(free_port())}
    serve = image.command("ENTRYPOINT", "CMD")
    env = image.environment(UPSTREAM_KEYS | port | {"RAG_PROXY_API_KEYS": "c" * 48})
    give_up = time.monotonic() + PATIENCE_S

    assert image.run(healthcheck, port).returncode != 0
    serve[0] = str(shutil.which(serve[0], path=env["PATH"]))
    with running(serve, env=env, cwd=image.folder) as server:
        while (check := image.run(healthcheck, port)).returncode:
            assert server.poll() is None, "the server has ended"
            assert time.monotonic() < give_up, check.stderr


@pytest.mark.long
def test_the_container_refuses_to_serve_everybody_without_client_keys(image: Image) -> None:
    refused = image.run(image.command("ENTRYPOINT", "CMD"), UPSTREAM_KEYS)

    assert refused.returncode == 2
    assert "RAG_PROXY_API_KEYS" in refused.stderr


def test_the_image_does_not_run_as_root() -> None:
    (user,) = given(FINAL, "USER")

    assert int(user.partition(":")[0]) > 0


def test_the_port_that_is_exposed_is_the_one_that_is_served(tmp_path: Path) -> None:
    assert given(FINAL, "EXPOSE") == [Image(tmp_path).environment()["RAG_PROXY_PORT"]]


def test_the_engine_is_sent_what_is_copied_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()

    assert {line[1:] for line in lines if line[0] == "!"} == {name.rstrip("/") for name in copied()}
    assert "*" in lines
