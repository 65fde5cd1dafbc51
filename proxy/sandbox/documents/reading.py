"""Reads one file of the documents folder: Markdown, plain text or PDF."""

import codecs
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from proxy.sandbox.documents.frontmatter import FrontMatter, split_front_matter
from proxy.sandbox.documents.pdf import Page, PdfError, clean, read_pdf

Kind = Literal["markdown", "text", "pdf"]

KINDS: dict[str, Kind] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".text": "text",
    ".pdf": "pdf",
}
LARGEST_BYTES = 200_000_000

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_PDF_HEADER = b"%PDF"
_PDF_HEADER_WITHIN = 1024
"""A PDF's header stands within this many bytes: some files have a few others before it."""


class Unreadable(Exception):
    """The index cannot hold the file. The message is the reason, for the person who runs this."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The content of a file: `text` of Markdown and plain text, or the `pages` of a PDF."""

    kind: Kind
    size_bytes: int
    text: str = ""
    pages: tuple[Page, ...] = ()
    pdf_title: str | None = None
    front_matter: FrontMatter = field(default_factory=dict)


def read_file(path: Path) -> Reading:
    """Read a file whose suffix is in `KINDS`. Raises `Unreadable`."""
    try:
        size = _checked_size(path)
        kind = KINDS[path.suffix.lower()]
        if kind == "pdf":
            return _read_pdf(path, size)
        return _read_text(path, kind, size)
    except OSError as error:
        raise Unreadable((error.strerror or str(error)).lower()) from error


def _checked_size(path: Path) -> int:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable("not a regular file")
    if status.st_size == 0:
        raise Unreadable("empty file")
    if status.st_size > LARGEST_BYTES:
        raise Unreadable(f"larger than {LARGEST_BYTES // 1_000_000} MB")
    return status.st_size


def _read_text(path: Path, kind: Kind, size: int) -> Reading:
    text = _decoded(path.read_bytes()).replace("\r\n", "\n").replace("\r", "\n")
    front_matter: FrontMatter = {}
    if kind == "markdown":
        front_matter, text = split_front_matter(text)
    if not text.strip():
        raise Unreadable("no text in it")
    return Reading(kind, size, text=text, front_matter=front_matter)


def _decoded(data: bytes) -> str:
    """Decode text that is not UTF-16 or UTF-8 as Windows-1252, if it has no control characters.

    Without that condition nearly all bytes would pass for Windows-1252.
    """
    text = _decoded_as("utf-16" if data.startswith(_UTF16_MARKS) else "utf-8-sig", data)
    if text is None and not _CONTROL_BYTES.search(data):
        text = _decoded_as("cp1252", data)
    if text is None:
        raise Unreadable("not UTF-8 or Windows-1252 text")
    if "\x00" in text:
        raise Unreadable("binary data, not text")
    return clean(text)


def _decoded_as(encoding: str, data: bytes) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _read_pdf(path: Path, size: int) -> Reading:
    with path.open("rb") as file:
        if _PDF_HEADER not in file.read(_PDF_HEADER_WITHIN):
            raise Unreadable("not a PDF")
    try:
        pdf = read_pdf(path)
    except PdfError as error:
        raise Unreadable(str(error)) from error
    return Reading("pdf", size, pages=pdf.pages, pdf_title=pdf.title)
