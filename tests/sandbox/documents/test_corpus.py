from pathlib import Path

import pytest

from proxy.sandbox.documents import corpus as module
from proxy.sandbox.documents.corpus import CorpusError, default_documents, load_corpus
from proxy.sandbox.documents.folder import Skipped
from tests.sandbox.samples import Files, make_pdf, sample_folder, write


def test_a_folder_is_read_split_and_indexed(tmp_path: Path) -> None:
    corpus = load_corpus(sample_folder(tmp_path))
    assert (corpus.files, corpus.chunks) == (5, 7)
    assert [workspace.name for workspace in corpus.workspaces] == ["hr", "legal", tmp_path.name]
    assert [tag.name for tag in corpus.tags] == ["leave", "legal", "people"]
    assert corpus.skipped == ()


def test_the_index_numbers_passages_as_the_corpus_does(tmp_path: Path) -> None:
    corpus = load_corpus(sample_folder(tmp_path))
    hits = corpus.index.search("landlord", allowed=lambda _: True, limit=9)
    found = [corpus.passages[hit.number] for hit in hits]
    assert [(each.document.path, each.chunk.page) for each in found] == [("legal/lease.pdf", 3)]


@pytest.mark.parametrize("question", ["handbook", "holidays", "twenty-five", "policies for staff"])
def test_a_passage_is_found_by_its_text_headings_title_and_file_name(
    tmp_path: Path, question: str
) -> None:
    corpus = load_corpus(sample_folder(tmp_path))
    (best, *_) = corpus.index.search(question, allowed=lambda _: True, limit=9)
    assert corpus.passages[best.number].document.path == "hr/handbook.md"


def test_a_page_without_text_is_found_by_the_title_of_its_document(tmp_path: Path) -> None:
    corpus = load_corpus(write(tmp_path, {"scan.pdf": make_pdf([None], title="Floor plan")}))
    for question in ("floor plan", "scan"):
        assert len(corpus.index.search(question, allowed=lambda _: True, limit=9)) == 1


def test_identifiers_are_the_same_every_time_and_different_for_each_passage(
    tmp_path: Path,
) -> None:
    first, second = load_corpus(sample_folder(tmp_path)), load_corpus(tmp_path)
    assert [each.id for each in first.passages] == [each.id for each in second.passages]
    assert len({each.id for each in first.passages}) == first.chunks
    assert str(first.passages[0].id) == "d93b8275-2125-5fe2-9ca2-5ac18b520c03"


def test_files_that_cannot_be_read_are_skipped_with_a_reason_and_others_ignored(
    tmp_path: Path,
) -> None:
    files: Files = {"a.md": "fine", "b.txt": b"\xff\x00", "c/d.pdf": b"%PDF", "logo.png": "x"}
    corpus = load_corpus(write(tmp_path, files))
    assert corpus.skipped[0] == Skipped("b.txt", "not UTF-8 or Windows-1252 text")
    assert corpus.skipped[1].path == "c/d.pdf"
    assert corpus.skipped[1].reason.startswith("damaged PDF (")
    assert len(corpus.skipped) == 2
    assert (corpus.files, corpus.ignored) == (1, {".png": 1})


def test_progress_counts_two_steps_for_each_file_and_always_arrives(tmp_path: Path) -> None:
    files: Files = {"a.md": "a", "b.md": b"\xff\x00", "c.pdf": make_pdf(["One.", "Two."])}
    steps: list[tuple[int, int]] = []
    load_corpus(write(tmp_path, files), progress=lambda done, total: steps.append((done, total)))
    assert [total for _, total in steps] == [6] * len(steps)
    done = [done for done, _ in steps]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, 6)


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="missing: no such folder"):
        load_corpus(tmp_path / "missing")


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"a\.md: not a folder"):
        load_corpus(write(tmp_path, {"a.md": "a"}) / "a.md")


def test_a_folder_without_documents_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no Markdown, text or PDF files in it"):
        load_corpus(write(tmp_path, {"logo.png": "x"}))


def test_a_folder_of_which_nothing_can_be_read_says_why(tmp_path: Path) -> None:
    write(tmp_path, {f"{name}.md": "" for name in "abcd"})
    with pytest.raises(CorpusError, match=r"can be read \(a\.md: empty file; .*c\.md: .*, …\)"):
        load_corpus(tmp_path)


def test_the_default_documents_are_the_packages_or_those_of_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert default_documents() == Path(module.__file__).parents[3] / "docs"
    package = tmp_path / "proxy" / "sandbox"
    (package / "manual").mkdir(parents=True)
    monkeypatch.setattr(module, "__file__", str(package / "documents" / "corpus.py"))
    assert default_documents() == package / "manual"
