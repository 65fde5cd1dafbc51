"""A client that is wrong on purpose is told as failing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.clients.catalogue import CLIENTS, Client
from tests.clients.checks import CHECKS, Heard, Outcome
from tests.clients.program import PATIENCE_S
from tests.clients.run import Player, outcomes, prepared
from tests.clients.snippets import DOCS, PROXY
from tests.e2e.scenario import FACT

CLIENT = CLIENTS[0]


class Upstreams:
    """Stand-ins that count what they are told to."""

    def __init__(self, *searches: int) -> None:
        self._searches = iter(searches)

    def forget(self) -> None:
        self.count = next(self._searches)

    def heard(self) -> Heard:
        return Heard(self.count)


def played(folder: Path, code: str, *searches: int) -> list[Outcome]:
    """What comes of the first checks, so many as there are numbers of searches."""
    (folder / "program.py").write_text(code, encoding="utf-8")
    player = Player((sys.executable, "program.py"), folder, {})
    checks = CHECKS[: len(searches)]
    return [
        outcome
        for _, outcome in outcomes(
            CLIENT, player, Upstreams(*searches), checks, patience_s=PATIENCE_S
        )
    ]


def saying(*lines: str) -> str:
    return f"for line in {lines!r}:\n    input()\n    print('seen: ' + line, flush=True)\n"


def test_a_client_that_shows_the_answer_passes(tmp_path: Path) -> None:
    code = saying(f'{{"text": "{FACT}"}}', f'{{"pieces": ["{FACT[:5]}", "{FACT[5:]}"]}}')
    assert played(tmp_path, code, 1, 1) == [Outcome("passed")] * 2


def test_a_client_that_shows_something_else_fails(tmp_path: Path) -> None:
    first, second = played(tmp_path, saying('{"text": "Else."}', '{"pieces": []}'), 1, 1)
    assert "'Else.'" in first.why
    assert "0 pieces" in second.why
    assert (first.verdict, second.verdict) == ("failed", "failed")


def test_a_search_that_was_not_made_fails(tmp_path: Path) -> None:
    (outcome,) = played(tmp_path, saying(f'{{"text": "{FACT}"}}'), 0)
    assert "0 searches" in outcome.why


def test_the_check_after_a_crash_gets_a_new_program(tmp_path: Path) -> None:
    code = "import json\ncheck = json.loads(input())['check']\nassert check == 'stream', check\n"
    code += saying(f'{{"pieces": ["{FACT[:5]}", "{FACT[5:]}"]}}').replace("input()", "pass")
    first, second = played(tmp_path, code, 0, 1)
    assert first == Outcome("failed", "the program ended: AssertionError: answer")
    assert second == Outcome("passed")


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_program_and_lines_are_put_together(tmp_path: Path, client: Client) -> None:
    page = DOCS.read_text(encoding="utf-8")
    program = prepared(client, tmp_path / "a", page, {PROXY: "http://p"})
    files = {each.name: each.read_text(encoding="utf-8") for each in (tmp_path / "a").iterdir()}
    snippets = [text for name, text in files.items() if name.startswith("snippet.")]
    assert program in files
    assert any("http://p/v1" in text for text in snippets)
    assert not any(PROXY in text for text in snippets)


def test_what_an_earlier_run_left_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "old.txt").touch()
    prepared(CLIENT, folder, DOCS.read_text(encoding="utf-8"), {})
    assert not (folder / "old.txt").exists()
