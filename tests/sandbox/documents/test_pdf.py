import os
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.sandbox.documents.pdf import PdfError, clean, read_pdf
from tests.sandbox.samples import make_pdf

Write = Callable[[bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_pdf(content: bytes) -> Path:
        path = tmp_path / "a.pdf"
        path.write_bytes(content)
        return path

    return write_pdf


def test_a_pdf_is_read_page_by_page_with_its_title(write: Write) -> None:
    reading = read_pdf(write(make_pdf(["One.", None, "Three."], title=" Lease ")))
    assert [page.text for page in reading.pages] == ["One.", None, "Three."]
    assert (reading.pages[0].width, reading.pages[0].height) == (612, 792)
    assert reading.title == "Lease"


def test_a_pdf_without_metadata_has_no_title(write: Write) -> None:
    assert read_pdf(write(make_pdf(["One."]))).title is None


@pytest.mark.parametrize("cipher", ["RC4-128", "AES-128", "AES-256"])
def test_a_pdf_with_an_empty_password_is_read(write: Write, cipher: str) -> None:
    content = make_pdf(["Open."], password="", cipher=cipher)
    assert read_pdf(write(content)).pages[0].text == "Open."


def test_words_that_only_a_gap_parts_are_not_glued_together(write: Write) -> None:
    line = "[(The)-250(no)15(tice)-180(perio)10(d)]"
    reading = read_pdf(write(make_pdf([line])))
    assert reading.pages[0].text == "The notice period"


def test_a_word_that_a_line_parts_is_whole_again(write: Write) -> None:
    lines = "[(The Strassen-)] TJ 0 -14 Td [(bahn stops here.)]"
    reading = read_pdf(write(make_pdf([lines])))
    assert reading.pages[0].text == "The Strassenbahn stops here."


def test_a_pdf_page_that_fails_counts_as_an_image(write: Write) -> None:
    content = make_pdf(["One.", "Two."]).replace(b"[ 4 0 R", b"[ 9 0 R")
    reading = read_pdf(write(content))
    assert [page.text for page in reading.pages] == [None, "Two."]


def test_a_pdf_of_which_every_page_fails_is_damaged(write: Write) -> None:
    content = make_pdf(["One.", "Two."]).replace(b"[ 4 0 R 6 0 R", b"[ 9 0 R 9 0 R")
    with pytest.raises(PdfError, match=r"^damaged PDF \(no page can be read\)$"):
        read_pdf(write(content))


def test_a_pdf_whose_name_is_not_utf8_is_read(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.pdf"))
    path.write_bytes(make_pdf(["One."]))
    assert read_pdf(path).pages[0].text == "One."


def test_clean_text_can_be_sent_as_json() -> None:
    assert clean("a\x00b\ud800c\U0001f642") == "abc\U0001f642"
