"""The client keys in examples are ones that the program accepts."""

import re
from pathlib import Path

import pytest

from proxy.settings.checks import SHORTEST_KEY

ROOT = Path(__file__).parent.parent
TEXTS = [
    ROOT / "README.md",
    ROOT / "Dockerfile",
    ROOT / "proxy" / "cli.py",
    *sorted((ROOT / "docs").glob("*.md")),
]
GIVEN = re.compile(r"RAG_PROXY_API_KEYS=(\S+)|^api_keys = \[(.*)\]", re.MULTILINE)


def is_weak(text: str) -> bool:
    """Whether a value holds a key, neither left out nor made by a command, that is too short."""
    made = re.sub(r"\$\([^)]*\)|…", "x" * SHORTEST_KEY, text)
    return any(len(key.strip(" \"'")) < SHORTEST_KEY for key in made.split(","))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_an_example_shows_no_key_that_can_be_guessed(path: Path) -> None:
    text = re.sub(r"\$\([^)]*\)", "…", path.read_text(encoding="utf-8"))
    assert [each for pair in GIVEN.findall(text) for each in pair if each and is_weak(each)] == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [("key-one,key-two", True), ("…", False), ("$(openssl rand -hex 24)", False), ("…,k", True)],
)
def test_what_is_weak_is_seen(value: str, *, expected: bool) -> None:
    assert is_weak(value) is expected
