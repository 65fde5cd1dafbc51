import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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


def test_without_pdfium_a_pdf_says_what_to_install_and_other_files_are_read(
    make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    assert "pip install pypdfium2" in reason(make_file("a.pdf", make_pdf(["One."])))
    assert read_file(make_file("a.txt", b"One.")).text == "One."
