"""The command, with the stand-in for a model: it quotes what it finds and cites it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from tests.quality.__main__ import main
from tests.quality.questions import DOCUMENTS
from tests.quality.rows import read
from tests.support.server import serving_in_thread


@pytest.fixture(name="model", scope="module")
def _model() -> Iterator[str]:
    with serving_in_thread(create_sandbox(load_corpus(DOCUMENTS))) as url:
        yield f"{url}/v1"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def quality(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, arguments)
    return done.exit_code, done.output


@pytest.mark.long
def test_every_question_is_asked_in_every_mode_and_the_tables_are_kept(
    model: str, tmp_path: Path
) -> None:
    code, said = quality("--tag", "all", "--model-url", model)

    assert code == 0
    folder = tmp_path / "build" / "quality"
    rows = read(folder / "all.jsonl")
    assert len(rows) >= 3 * 40
    assert not [row for row in rows if row.reply.error]
    assert said.endswith((folder / "all.md").read_text() + "\n")
    counts = [line.split("|") for line in said.splitlines() if line.startswith("| context | known")]
    ((asked, right, cited),) = [[int(cell) for cell in row[3:6]] for row in counts]
    assert asked == 28
    assert right >= cited >= asked * 3 // 4  # it writes no answers of its own, and finds by words


@pytest.mark.long
def test_what_was_measured_can_be_shown_and_gone_on_with(model: str, tmp_path: Path) -> None:
    chosen = ("--tag", "few", "--model-url", model, "--mode", "tool", "--kind", "small talk")
    _, first = quality(*chosen)
    kept = tmp_path / "build" / "quality" / "few.jsonl"
    rows = kept.read_text()
    assert len(rows.splitlines()) == 4

    _, again = quality(*chosen, "--goes-on")
    _, shown = quality("--tag", "few", "--show")

    assert kept.read_text() == rows
    assert again == shown
    assert first.endswith(shown)


@pytest.mark.long
def test_a_setting_reaches_the_proxy(model: str, tmp_path: Path) -> None:
    chosen = ("--tag", "one", "--model-url", model, "--mode", "tool", "--kind", "small talk")
    code, said = quality(*chosen, "--set", "RAG_PROXY_LOG_LEVEL", "shout")
    assert code == 1
    assert "does not answer" in said
    log = tmp_path / "build" / "quality" / "proxy.log"
    assert "RAG_PROXY_LOG_LEVEL" in log.read_text()
