"""What docs/architecture.md says of the code's layers is so."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
ROWS = re.findall(
    r"^\| [^|]+\? \| ([^|]+) \| ([^|]+) \|$",
    (ROOT / "docs" / "architecture.md").read_text(),
    re.MULTILINE,
)


def layers() -> list[set[str]]:
    """The contract's lines from the top down, each as the modules that stand on it."""
    (contract,) = (each for each in CONTRACTS if each["type"] == "layers")
    assert contract["exhaustive"]
    return [set(line.split(" | ")) for line in contract["layers"]]


def homes(cell: str) -> set[str]:
    """The modules that a cell of the table names: `proxy/state/` is state."""
    return set(re.findall(r"`proxy/(\w+)(?:/|\.py)`", cell))


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
