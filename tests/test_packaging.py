import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK_FILES = ("build.txt", "runtime.txt", "demo.txt", "dev.txt")
PATIENCE_S = 60.0
NODE = ROOT / "tests" / "e2e" / "node"


@pytest.fixture(name="project", scope="module")
def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(name="in_wheel", scope="module")
def _in_wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory"]
    subprocess.run(  # noqa: S603 - our own build
        [*command, str(folder)], cwd=ROOT, capture_output=True, check=True, timeout=PATIENCE_S
    )
    (wheel,) = folder.iterdir()
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def find_lines(path: str, pattern: str) -> list[str]:
    return re.findall(pattern, (ROOT / path).read_text(), re.MULTILINE)


def locked(file_name: str) -> dict[str, Requirement]:
    """What a lock file pins, by name. Its lines: a requirement, then hashes, then comments."""
    lines = find_lines(f"requirements/{file_name}", r"^[a-z0-9].*")
    pins = [Requirement(line.rstrip("\\ ")) for line in lines]
    return {canonicalize_name(pin.name): pin for pin in pins}


def declared(project: dict[str, Any], file_name: str) -> Iterator[Requirement]:
    groups = project["dependency-groups"]
    runtime = project["project"]["dependencies"]
    demo = project["project"]["optional-dependencies"]["demo"]
    names: dict[str, list[Any]] = {
        "build.txt": groups["build"],
        "runtime.txt": runtime,
        "demo.txt": runtime + demo,
        "dev.txt": runtime + demo + groups["dev"] + groups["build"],
    }
    return (Requirement(entry) for entry in names[file_name] if isinstance(entry, str))


def test_the_wheel_holds_the_documents_that_the_demo_answers_from(in_wheel: set[str]) -> None:
    documents = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}

    assert documents
    assert {f"proxy/sandbox/documents/{document}" for document in documents} <= in_wheel


def test_the_wheel_holds_the_package_with_its_types_and_nothing_beside_it(
    in_wheel: set[str], project: dict[str, Any]
) -> None:
    metadata = f"rag_proxy-{project['project']['version']}.dist-info"

    assert "proxy/py.typed" in in_wheel
    assert {name.partition("/")[0] for name in in_wheel} == {"proxy", metadata}


def test_the_newest_changelog_entry_is_the_version(project: dict[str, Any]) -> None:
    entries = find_lines("CHANGELOG.md", r"^## \[(.+?)\]")

    assert entries[0] == project["project"]["version"]


@pytest.mark.parametrize("file_name", LOCK_FILES)
def test_a_lock_file_pins_what_pyproject_asks_for(project: dict[str, Any], file_name: str) -> None:
    pins = locked(file_name)

    for requirement in declared(project, file_name):
        (pinned,) = pins[canonicalize_name(requirement.name)].specifier
        assert pinned.operator == "=="
        assert requirement.specifier.contains(pinned.version), f"run make lock: {requirement}"


@pytest.mark.parametrize("file_name", LOCK_FILES)
def test_every_pin_carries_a_hash(file_name: str) -> None:
    file = f"requirements/{file_name}"
    pins = find_lines(file, r"^\S+==")
    hashed = find_lines(file, r"^\S+==.*\\\n    --hash=sha256:")

    assert len(hashed) == len(pins) >= len(locked(file_name)) > 0


def test_pins_keep_their_extras() -> None:
    """Older versions of pip take a pin without them for no pin of a requirement that has them."""
    assert find_lines("requirements/dev.txt", r"^coverage\[toml\]==")


@pytest.mark.parametrize("file_name", ["build.txt", "runtime.txt", "demo.txt"])
def test_what_is_tested_is_what_is_shipped(file_name: str) -> None:
    assert locked(file_name).items() <= locked("dev.txt").items()


def test_what_only_the_demo_needs_is_not_in_the_image(project: dict[str, Any]) -> None:
    (installed,) = set(find_lines("Dockerfile", r"-r requirements/(\w+\.txt)")) - {"build.txt"}
    extra = map(Requirement, project["project"]["optional-dependencies"]["demo"])

    assert not {canonicalize_name(each.name) for each in extra} & locked(installed).keys()


@pytest.mark.parametrize(
    "file",
    [*(ROOT / "requirements").iterdir(), ROOT / "Dockerfile", ROOT / "Makefile", NODE / ".npmrc"],
    ids=lambda file: file.name,
)
def test_no_package_registry_is_named(file: Path) -> None:
    assert "://" not in file.read_text()


def test_base_images_come_from_whatever_registry_the_engine_is_set_to() -> None:
    images = find_lines("Dockerfile", r"^ARG PYTHON_IMAGE=(\S+)")

    assert images
    assert [image.partition("/")[0] for image in images] == images


def test_the_node_lock_file_names_no_registry() -> None:
    packages = json.loads((NODE / "package-lock.json").read_text())["packages"]

    assert packages
    assert [name for name, package in packages.items() if "resolved" in package] == []
