from pathlib import Path

import click
import pytest

from proxy.commands.documents import load_documents


def test_what_is_skipped_is_said_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hr").mkdir()
    (tmp_path / "hr" / "leave.md").write_text("# Leave\n\nThirty days.\n")
    (tmp_path / "hr" / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    (tmp_path / "logo.png").write_bytes(b"\x89PNG")
    corpus = load_documents(tmp_path)
    printed = capsys.readouterr()
    assert corpus.documents[0].title == "Leave"
    assert printed.out == ""
    skipped, counts = printed.err.splitlines()
    assert skipped.startswith("skipped hr/broken.pdf: broken PDF")
    assert counts == (
        "indexed 1 document (1 passage, 1 workspace); 1 skipped; 1 of other types ignored"
    )


def test_the_proxy_s_own_manual_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    corpus = load_documents(None)
    assert "configuration.md" in {each.filename for each in corpus.documents}
    assert "skipped" not in capsys.readouterr().err


def test_a_folder_without_documents_is_a_wrong_option(tmp_path: Path) -> None:
    with pytest.raises(click.BadParameter, match="no Markdown, text or PDF files in it"):
        load_documents(tmp_path)


def test_a_terminal_shows_progress(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.md").write_text("a")
    (tmp_path / "b.md").write_text("b")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    load_documents(tmp_path)
    shown = capsys.readouterr().err
    assert "Indexing" in shown
    assert "50%" in shown
