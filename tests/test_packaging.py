import json
import re
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK_FILES = ("build.txt", "runtime.txt", "demo.txt", "docs.txt", "dev.txt")
PATIENCE_S = 120.0
NODE = ROOT / "tests" / "e2e" / "node"


@pytest.fixture(name="project", scope="module")
def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(name="in_wheel", scope="module")
def _in_wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return contents(build("wheel", ROOT, tmp_path_factory.mktemp("wheel")))


@pytest.fixture(name="unpacked", scope="module")
def _unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution's one folder."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build("sdist", ROOT, folder / "dist")) as archive:
        archive.extractall(folder, filter="data")
    (unpacked,) = folder.glob("rag_proxy-*")
    return unpacked


def build(target: str, source: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory"]
    subprocess.run(  # noqa: S603 - our own build
        [*command, str(folder)], cwd=source, capture_output=True, check=True, timeout=PATIENCE_S
    )
    (built,) = folder.iterdir()
    return built


def contents(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


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
        "docs.txt": groups["docs"],
        "dev.txt": runtime + demo + groups["dev"] + groups["build"] + groups["docs"],
    }
    return (Requirement(entry) for entry in names[file_name] if isinstance(entry, str))


def test_the_wheel_holds_the_documents_that_the_demo_answers_from(
    in_wheel: dict[str, bytes],
) -> None:
    documents = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}

    assert documents
    assert {f"proxy/sandbox/manual/{document}" for document in documents} <= in_wheel.keys()


def test_the_wheel_holds_the_page_and_no_pictures_of_it(in_wheel: dict[str, bytes]) -> None:
    files = {path.name for path in (ROOT / "proxy" / "page").iterdir()}

    assert "index.html" in files
    assert {f"proxy/page/{file}" for file in files} <= in_wheel.keys()
    assert [name for name in in_wheel if name.endswith(".png")] == []


def test_the_wheel_holds_the_package_with_its_types_and_nothing_beside_it(
    in_wheel: dict[str, bytes], project: dict[str, Any]
) -> None:
    metadata = f"rag_proxy-{project['project']['version']}.dist-info"

    assert "proxy/py.typed" in in_wheel
    assert {name.partition("/")[0] for name in in_wheel} == {"proxy", metadata}


def test_the_wheel_names_its_licence_and_holds_the_text(in_wheel: dict[str, bytes]) -> None:
    (metadata,) = (text.decode() for name, text in in_wheel.items() if name.endswith("/METADATA"))
    (licence,) = (text for name, text in in_wheel.items() if name.endswith("/licenses/LICENSE"))

    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert licence == (ROOT / "LICENSE").read_bytes()


def test_the_source_distribution_is_enough_to_build_the_same_wheel(
    unpacked: Path, in_wheel: dict[str, bytes], tmp_path: Path
) -> None:
    assert contents(build("wheel", unpacked, tmp_path)) == in_wheel


def test_the_source_distribution_holds_no_tests_which_need_the_whole_checkout(
    unpacked: Path,
) -> None:
    needed = {"proxy", "docs", "pyproject.toml", "README.md", "LICENSE"}
    added_by_the_format = {"PKG-INFO", ".gitignore"}

    found = {path.name for path in unpacked.iterdir()}
    assert found == needed | added_by_the_format | {"CHANGELOG.md"}


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


@pytest.mark.parametrize("file_name", [*LOCK_FILES, "evidence.txt", "mutation.txt"])
def test_every_pin_carries_a_hash(file_name: str) -> None:
    file = f"requirements/{file_name}"
    pins = find_lines(file, r"^\S+==")
    hashed = find_lines(file, r"^\S+==.*\\\n    --hash=sha256:")

    assert len(hashed) == len(pins) >= len(locked(file_name)) > 0


def test_pins_keep_their_extras() -> None:
    """Older versions of pip take a pin without them for no pin of a requirement that has them."""
    assert find_lines("requirements/dev.txt", r"^coverage\[toml\]==")


@pytest.mark.parametrize("file_name", LOCK_FILES)
def test_what_is_tested_is_what_is_shipped(file_name: str) -> None:
    assert locked(file_name).items() <= locked("dev.txt").items()


def test_what_only_measures_adds_one_package() -> None:
    """What that package needs has the versions that are tested: both share an environment."""
    assert locked("evidence.txt").keys() - locked("dev.txt").keys() == {"contexttrace"}
    assert len(locked("evidence.txt").items() - locked("dev.txt").items()) == 1


def test_what_breaks_the_code_changes_no_version_that_is_tested() -> None:
    tested, used = locked("dev.txt"), locked("mutation.txt")
    for name in tested.keys() & used.keys():
        assert used[name].specifier == tested[name].specifier


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
