import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.sandbox.documents.pdf import clean
from proxy.sandbox.documents.reading import Unreadable, read_file
from tests.sandbox.samples import make_pdf

MakeFile = Callable[[str, bytes], Path]


@pytest.fixture
def make_file(tmp_path: Path) -> MakeFile:
    def make(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return make


def reason(path: Path) -> str:
    with pytest.raises(Unreadable) as caught:
        read_file(path)
    return str(caught.value)


def test_markdown_comes_with_its_metadata_and_without_carriage_returns(make_file: MakeFile) -> None:
    content = b"---\r\ntitle: A\r\n---\r\n# B\rtext\n"
    reading = read_file(make_file("a.MD", content))
    assert reading.kind == "markdown"
    assert reading.front_matter == {"title": ("A",)}
    assert reading.text == "# B\ntext\n"
    assert reading.size_bytes == len(content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_read_in_every_encoding_that_names_itself(
    make_file: MakeFile, encoding: str
) -> None:
    reading = read_file(make_file("a.txt", "Zürich, 5 €".encode(encoding)))
    assert (reading.kind, reading.text) == ("text", "Zürich, 5 €")


def test_other_text_is_read_as_windows_1252(make_file: MakeFile) -> None:
    reading = read_file(make_file("a.md", "# Café\r\n\tça coûte 5 €, “net”\f".encode("cp1252")))
    assert reading.text == "# Café\n\tça coûte 5 €, “net”\f"


def test_text_keeps_what_looks_like_markdown_metadata(make_file: MakeFile) -> None:
    assert read_file(make_file("a.txt", b"---\na: b\n---\n")).text == "---\na: b\n---\n"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", b"", "empty file"),
        ("a.txt", b" \n\t\n", "no text in it"),
        ("a.md", b"---\ntitle: only metadata\n---\n", "no text in it"),
        ("a.txt", b"caf\xe9 \x1b", "not UTF-8 or Windows-1252 text"),
        ("a.txt", b"caf\xe9 \x81", "not UTF-8 or Windows-1252 text"),
        ("a.txt", b"caf\xe9 \x00", "not UTF-8 or Windows-1252 text"),
        ("a.md", b"\x00\x01\x02", "binary data, not text"),
        ("a.pdf", b"<html>Not found</html>", "not a PDF"),
        ("a.pdf", b" " * 1024 + make_pdf(["x"]), "not a PDF"),
        ("a.pdf", make_pdf(["x"])[:200], "damaged PDF"),
        ("a.pdf", make_pdf(["secret"], password="pass"), "encrypted PDF"),
        ("a.pdf", make_pdf(["secret"], password="pass", cipher="AES-256"), "encrypted PDF"),
        ("a.pdf", make_pdf([]), "damaged PDF (or one without pages)"),
    ],
)
def test_what_cannot_be_read_says_why(
    make_file: MakeFile, name: str, content: bytes, expected: str
) -> None:
    assert reason(make_file(name, content)).startswith(expected)


def test_a_missing_file_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.md").mkdir()
    os.mkfifo(tmp_path / "pipe.md")
    assert reason(tmp_path / "missing.md") == "no such file or directory"
    assert reason(tmp_path / "folder.md") == "not a regular file"
    assert reason(tmp_path / "pipe.md") == "not a regular file"


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(200_000_001)
    assert reason(tmp_path / "a.txt") == "larger than 200 MB"


def test_a_pdf_is_read_page_by_page_with_its_title(make_file: MakeFile) -> None:
    reading = read_file(make_file("a.pdf", make_pdf(["One.", None, "Three."], title=" Lease ")))
    assert [page.text for page in reading.pages] == ["One.", None, "Three."]
    assert (reading.pages[0].width, reading.pages[0].height) == (612, 792)
    assert reading.pdf_title == "Lease"


def test_a_pdf_without_metadata_has_no_title(make_file: MakeFile) -> None:
    assert read_file(make_file("a.pdf", make_pdf(["One."]))).pdf_title is None


@pytest.mark.parametrize("cipher", ["RC4-128", "AES-128", "AES-256"])
def test_a_pdf_with_an_empty_password_is_read(make_file: MakeFile, cipher: str) -> None:
    content = make_pdf(["Open."], password="", cipher=cipher)
    assert read_file(make_file("a.pdf", content)).pages[0].text == "Open."


def test_words_that_only_a_gap_parts_are_not_glued_together(make_file: MakeFile) -> None:
    line = "[(The)-250(no)15(tice)-180(perio)10(d)]"
    reading = read_file(make_file("a.pdf", make_pdf([line])))
    assert reading.pages[0].text == "The notice period"


def test_a_word_that_a_line_parts_is_whole_again(make_file: MakeFile) -> None:
    lines = "[(The Strassen-)] TJ 0 -14 Td [(bahn stops here.)]"
    reading = read_file(make_file("a.pdf", make_pdf([lines])))
    assert reading.pages[0].text == "The Strassenbahn stops here."


def test_a_pdf_page_that_fails_counts_as_an_image(make_file: MakeFile) -> None:
    content = make_pdf(["One.", "Two."]).replace(b"[ 4 0 R", b"[ 9 0 R")
    reading = read_file(make_file("a.pdf", content))
    assert [page.text for page in reading.pages] == [None, "Two."]


def test_a_pdf_of_which_every_page_fails_is_damaged(make_file: MakeFile) -> None:
    content = make_pdf(["One.", "Two."]).replace(b"[ 4 0 R 6 0 R", b"[ 9 0 R 9 0 R")
    assert reason(make_file("a.pdf", content)) == "damaged PDF (no page can be read)"


def test_a_pdf_whose_name_is_not_utf8_is_read(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.pdf"))
    path.write_bytes(make_pdf(["One."]))
    assert read_file(path).pages[0].text == "One."


def test_without_pdfium_a_pdf_says_what_to_install_and_other_files_are_read(
    make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    assert "pip install pypdfium2" in reason(make_file("a.pdf", make_pdf(["One."])))
    assert read_file(make_file("a.txt", b"One.")).text == "One."


def test_clean_text_can_be_sent_as_json() -> None:
    assert clean("a\x00b\ud800c\U0001f642") == "abc\U0001f642"
