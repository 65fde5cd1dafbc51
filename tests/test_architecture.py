"""What the documents say of the code's layers and files is so."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
ROWS = re.findall(
    r"^\| [^|]+\? \| ([^|]+) \| ([^|]+) \|$",
    (ROOT / "docs" / "architecture.md").read_text(),
    re.MULTILINE,
)
CHANGES = re.split(r"^## ", (ROOT / "docs" / "extending.md").read_text(), flags=re.MULTILINE)[1:]
PATH = re.compile(r"`((?:proxy|tests|docs)/[\w/.]+|pyproject\.toml)`")


def layers() -> list[set[str]]:
    """The contract's lines from the top down, each as the modules that stand on it."""
    (contract,) = (each for each in CONTRACTS if each.get("containers") == ["proxy"])
    assert contract["exhaustive"]
    return [set(line.split(" | ")) for line in contract["layers"]]


def homes(cell: str) -> set[str]:
    """The modules that a cell of the table names: `proxy/state/` is state."""
    return set(re.findall(r"`proxy/(\w+)(?:/|\.py)`", cell))


def paths(change: str, *kinds: str) -> list[str]:
    """The files in the entries of a change that begin with one of `kinds`."""
    entries = re.findall(r"^- (\w+)\b(.*?)(?=^- |\Z)", change, re.MULTILINE | re.DOTALL)
    return [path for kind, text in entries if kind in kinds for path in PATH.findall(text)]


def test_the_table_of_layers_says_what_the_contract_says() -> None:
    assert [homes(home) for home, _ in ROWS] == layers()


def test_the_table_says_who_may_import_what() -> None:
    *upper, (_, lowest) = ROWS
    assert lowest == "nothing"
    for home, imports in upper:
        assert imports.startswith("all below")
        assert ("not each other" in imports) == (len(homes(home)) > 1)


def test_surfaces_may_import_all_but_upstreams() -> None:
    (contract,) = (each for each in CONTRACTS if each.get("source_modules") == ["proxy.surfaces"])
    (imports,) = (imports for home, imports in ROWS if homes(home) == {"surfaces"})
    assert contract["forbidden_modules"] == ["proxy.upstreams"]
    assert imports.startswith("all below but upstreams")


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.partition("\n")[0])
def test_a_change_edits_files_that_exist_and_adds_files_that_do_not(change: str) -> None:
    for kinds, exist in ((("Edited", "Docs"), True), (("New",), False)):
        named = paths(change, *kinds)
        assert named
        assert {path: (ROOT / path).exists() for path in named} == dict.fromkeys(named, exist)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.partition("\n")[0])
def test_a_change_names_new_tests_beside_those_that_exist(change: str) -> None:
    (text,) = re.findall(r"^- Tests: (.*?)(?=^- |\Z)", change, re.MULTILINE | re.DOTALL)
    new, _, others = text.partition(", new")
    assert not [path for path in PATH.findall(new) if (ROOT / path).exists()]
    assert not [path for path in PATH.findall(others) if not (ROOT / path).exists()]
    assert PATH.findall(new)
