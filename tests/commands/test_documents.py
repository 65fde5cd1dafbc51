from pathlib import Path

import click
import pytest

from proxy.commands.documents import SHOWN_WORKSPACES, load_documents, question


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
    assert skipped.startswith("skipped hr/broken.pdf: damaged PDF")
    assert counts == (
        "indexed 1 document (1 passage, 1 workspace); 1 skipped; 1 of other types ignored (.png)"
    )


def test_the_types_that_are_ignored_are_named_the_most_frequent_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.md", "c.png", "d.docx", "b.png", "LICENSE"):
        (tmp_path / name).write_text("x")
    load_documents(tmp_path)
    assert "; 4 of other types ignored (.png, no suffix, .docx)\n" in capsys.readouterr().err
    for suffix in ("a", "b", "c"):
        (tmp_path / f"e.{suffix}").write_text("x")
    load_documents(tmp_path)
    assert "; 7 of other types ignored (.png, no suffix, .a, .b, .c, …)" in capsys.readouterr().err


def test_workspaces_are_named_where_there_is_a_choice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("hr", "it"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.md").write_text("# A\n\nText.\n")
    load_documents(tmp_path)
    assert capsys.readouterr().err.splitlines()[1:] == ["workspaces: 1 hr, 2 it"]


def test_of_many_workspaces_the_first_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(SHOWN_WORKSPACES + 1):
        (tmp_path / f"w{number:02}").mkdir()
    (tmp_path / "w00" / "a.md").write_text("# A\n\nText.\n")
    load_documents(tmp_path)
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("workspaces: 1 w00, 2 w01, ")
    assert line.endswith(f", {SHOWN_WORKSPACES} w{SHOWN_WORKSPACES - 1:02}, …")


def test_the_question_is_about_the_first_title_or_else_the_first_words(tmp_path: Path) -> None:
    (tmp_path / "a-note.txt").write_text("Revenue grew by four percent in May.")
    asked = 'What does a-note say about "Revenue grew by four percent"?'
    assert question(load_documents(tmp_path)) == asked
    (tmp_path / "b.md").write_text("# Paid leave\n\nThirty days.\n")
    assert question(load_documents(tmp_path)) == "What does Paid leave say?"


def test_the_proxy_s_own_manual_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    corpus = load_documents(None)
    assert "configuration.md" in {each.filename for each in corpus.documents}
    assert "skipped" not in capsys.readouterr().err


def test_a_folder_without_documents_is_a_wrong_option(tmp_path: Path) -> None:
    with pytest.raises(click.BadParameter, match="no Markdown, text or PDF files in it"):
        load_documents(tmp_path)


def test_other_types_are_named_also_where_nothing_else_is_there(tmp_path: Path) -> None:
    for name in ("a.docx", "b.docx", "c.html"):
        (tmp_path / name).write_text("x")
    told = r"no Markdown, text or PDF files in it; 3 of other types ignored \(\.docx, \.html\)"
    with pytest.raises(click.BadParameter, match=told):
        load_documents(tmp_path)
    (tmp_path / "d.md").write_text(" ")
    with pytest.raises(click.BadParameter, match=r"can be read \(d\.md: no text in it\); 3 of"):
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
