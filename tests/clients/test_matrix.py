"""The clients that this environment has, with their lines from the docs. `make clients` has all."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.catalogue import CLIENTS, Client
from tests.clients.checks import CHECKS
from tests.clients.matrix import ROOT, played
from tests.clients.serving import Served, serving
from tests.clients.snippets import DOCS

OURS = Path(sys.executable).parent
NODE_MODULES = ROOT / "tests" / "e2e" / "node" / "node_modules"
OF_PYTHON = [
    each
    for each in CLIENTS
    if each.program.startswith(("openai_python", "openai_agents"))
    and not each.front
    and each.title != "openai-python 1.x"
]
OF_NODE = [each for each in CLIENTS if each.program.startswith("openai_node")]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as running:
        yield running


def check(client: Client, programs: Path, folder: Path, served: Served) -> None:
    docs = DOCS.read_text(encoding="utf-8")
    found = dict(played(client, programs, folder, served, docs))
    assert [each.name for each in found] == [each.name for each in CHECKS]
    failed = {
        each.name: outcome.why for each, outcome in found.items() if outcome.verdict == "failed"
    }
    assert failed == {}
    passed = {each.name for each, outcome in found.items() if outcome.verdict == "passed"}
    assert passed >= {"answer", "stream", "tool", "next_turn", "citations", "error"}


@pytest.mark.long
@pytest.mark.parametrize("client", OF_PYTHON, ids=lambda client: client.name)
def test_a_python_client_works_with_the_lines_of_the_docs(
    client: Client, served: Served, tmp_path: Path
) -> None:
    check(client, OURS, tmp_path / "run", served)


@pytest.mark.long
@pytest.mark.skipif(
    shutil.which("node") is None or not (NODE_MODULES / "openai").is_dir(),
    reason="needs Node and its client: npm ci --prefix tests/e2e/node",
)
@pytest.mark.parametrize("client", OF_NODE, ids=lambda client: client.name)
def test_a_node_client_works_with_the_lines_of_the_docs(
    client: Client, served: Served, tmp_path: Path
) -> None:
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    check(client, NODE_MODULES / ".bin", tmp_path / "run", served)
