"""The image, as far as it can be judged without a container engine: see scripts/dockerfile-run."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE_S = 30.0
BUILD_PATIENCE_S = 250.0
UPSTREAM_KEYS = {
    "LIGHTON_API_KEY": "dummy",
    "SCALEWAY_API_KEY": "dummy",
    "RAG_PROXY_KEEP_WARM_S": "0",  # nothing outside is spoken to
}
PACKAGE_INDEX_ACCESS = ("PIP_", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@dataclass(frozen=True)
class Image:
    root: str
    user: str
    env: dict[str, str]
    command: list[str]
    healthcheck: list[str]
    ports: list[int]

    def run(self, command: list[str], **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - the commands are the image's own
            command,
            env=self.env | env,
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    @contextmanager
    def started(self, **env: str) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(self.command, env=self.env | env, cwd=self.root)  # noqa: S603 - as above
        try:
            yield process
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def dockerfile_run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the project's own script
        [sys.executable, "scripts/dockerfile-run", str(folder), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=BUILD_PATIENCE_S,
        check=False,
    )


def pip_settings() -> Iterator[str]:
    """Yield options that let RUN lines download as this machine does, and use pip's cache."""
    for name, value in os.environ.items():
        if name.upper().startswith(PACKAGE_INDEX_ACCESS):
            yield f"--env={name}={value}"
    command = [sys.executable, "-m", "pip", "cache", "dir"]
    found = subprocess.run(  # noqa: S603 - pip
        command, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    if found.returncode == 0:
        yield f"--env=PIP_CACHE_DIR={found.stdout.strip()}"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture(name="image", scope="module")
def _image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    done = dockerfile_run(tmp_path_factory.mktemp("image"), *pip_settings())
    assert done.returncode == 0, done.stderr
    return Image(**json.loads(done.stdout))


@pytest.mark.image
def test_the_image_holds_the_virtual_environment_and_no_tool_to_change_it(image: Image) -> None:
    programs = {path.name for path in Path(image.root, "opt/venv/bin").iterdir()}

    assert [path.name for path in Path(image.root).iterdir()] == ["opt"]
    assert [path.name for path in Path(image.root, "opt").iterdir()] == ["venv"]
    assert "rag-proxy" in programs
    assert not {"pip", "hatchling"} & programs


@pytest.mark.image
def test_the_image_does_not_run_as_root(image: Image) -> None:
    user = image.user.partition(":")[0]

    assert user.isdecimal()
    assert int(user) > 0


@pytest.mark.image
def test_the_healthcheck_tells_a_serving_container_from_a_dead_one(image: Image) -> None:
    port = {"RAG_PROXY_PORT": str(free_port())}
    give_up = time.monotonic() + PATIENCE_S

    assert image.run(image.healthcheck, **port).returncode != 0
    with image.started(**UPSTREAM_KEYS, **port, RAG_PROXY_API_KEYS="c" * 48) as process:
        while (check := image.run(image.healthcheck, **port)).returncode:
            assert process.poll() is None, "the server has ended"
            assert time.monotonic() < give_up, check.stderr


@pytest.mark.image
def test_the_container_refuses_to_serve_everybody_without_client_keys(image: Image) -> None:
    refused = image.run(image.command, **UPSTREAM_KEYS)

    assert refused.returncode == 2
    assert "RAG_PROXY_API_KEYS" in refused.stderr


@pytest.mark.image
def test_the_port_that_is_exposed_is_the_one_that_is_served(image: Image) -> None:
    assert image.ports == [int(image.env["RAG_PROXY_PORT"])]


@pytest.mark.parametrize(
    ("dockerfile", "complaint"),
    [
        ("FROM python\nRUN exit 3", "ended with exit code 3"),
        ("FROM python\nVOLUME /data", "unknown instruction: VOLUME"),
        ("FROM python\nCOPY secrets /secrets", ".dockerignore leaves out"),
        ("FROM python\nENTRYPOINT rag-proxy", "only the JSON form"),
    ],
)
def test_a_dockerfile_that_would_not_work_is_an_error(
    tmp_path: Path, dockerfile: str, complaint: str
) -> None:
    (tmp_path / "Dockerfile").write_text(dockerfile)
    (tmp_path / ".dockerignore").write_text("*\n!proxy\n")

    done = dockerfile_run(tmp_path / "image", f"--dockerfile={tmp_path / 'Dockerfile'}")

    assert done.returncode == 1
    assert complaint in done.stderr.splitlines()[-1]


def test_a_later_stage_has_only_what_it_copied(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("")
    (tmp_path / "Dockerfile").write_text(
        "FROM python AS build\n"
        "RUN mkdir /made && touch /made/kept /dropped && echo $PWD > /made/where\n"
        "FROM python\n"
        "COPY --from=build /made /made\n"
    )

    done = dockerfile_run(tmp_path / "image", f"--dockerfile={tmp_path / 'Dockerfile'}")

    root = Path(json.loads(done.stdout)["root"])
    assert sorted(path.name for path in root.rglob("*")) == ["kept", "made", "where"]
    assert (root / "made/where").read_text().strip() == str(root)
