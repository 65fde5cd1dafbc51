"""Reads a PDF with PDFium, which only the demo needs: see the extra `demo` in pyproject.toml.

PDFium is not thread-safe. One thread reads all documents before the server starts.
"""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

HOW_TO_INSTALL = "PDFs need pypdfium2: pip install pypdfium2"

_HYPHENATED = re.compile("[\ufffe\x02]\\s*")
"""PDFium writes this for the hyphen of a word that goes on in the next line."""


class PdfError(Exception):
    """The PDF is unreadable. The message is the reason, for the person who runs this."""


@dataclass(frozen=True, slots=True)
class Page:
    """One PDF page; `text` is None when it holds only images. Width and height are in points."""

    text: str | None
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Pdf:
    pages: tuple[Page, ...]
    title: str | None


def read_pdf(path: Path) -> Pdf:
    """All of its text, page by page. Raises PdfError."""
    with _opened(path) as document:
        pages = _pages(document)
        title = clean(document.get_metadata_dict().get("Title", "")).strip()
    return Pdf(pages, title or None)


def clean(text: str) -> str:
    """Drop NUL bytes and halves of surrogate pairs: neither is text, and JSON cannot carry them."""
    return text.replace("\x00", "").encode(errors="ignore").decode()


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        pdfium: Any = import_module("pypdfium2")
    except ImportError as error:
        raise PdfError(HOW_TO_INSTALL) from error
    with path.open("rb") as file:  # a path would have to be UTF-8
        try:
            # The empty password opens a PDF that is encrypted only against changes.
            document = pdfium.PdfDocument(file, password="")
        except pdfium.PdfiumError as error:
            raise PdfError(_reason(path)) from error
        with closing(document):
            yield document


def _reason(path: Path) -> str:
    """Why PDFium refuses a file. Its own error code may be that of an earlier file."""
    if b"/Encrypt" in path.read_bytes():  # in every encrypted PDF, and never itself encrypted
        return "encrypted PDF"
    return "damaged PDF (or one without pages)"


def _pages(document: Any) -> tuple[Page, ...]:
    """Every page. An unreadable page counts as an image, unless all of them are."""
    pages = [_page(document, number) for number in range(len(document))]
    if not any(pages):
        raise PdfError("damaged PDF (no page can be read)")
    return tuple(page or Page(None, 0.0, 0.0) for page in pages)


def _page(document: Any, number: int) -> Page | None:
    """A page, or None if it is unreadable. Closes both handles at once: pages are large."""
    pdfium: Any = import_module("pypdfium2")
    try:
        with closing(document[number]) as page:
            left, bottom, right, top = page.get_mediabox()
            with closing(page.get_textpage()) as text:
                read = text.get_text_bounded()
    except pdfium.PdfiumError:
        return None
    joined = _HYPHENATED.sub("", read).replace("\r\n", "\n").replace("\r", "\n")
    return Page(clean(joined).strip() or None, right - left, top - bottom)
