"""Folders of documents for the tests, and PDF files made by hand."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

Files = Mapping[str, str | bytes]

HANDBOOK = """---
tags: [leave, people]
content_type: hr:policy
fiscal_year: 2024
status: active
url: https://intranet.test/handbook
---
# Staff handbook

Everybody finds the rules here.

## Holidays

Every employee has twenty-five days of holiday a year. Ask your manager two weeks before.

## Remote work

Working from home is possible on three days a week.
"""

CONTRACT = """---
tags:
  - legal
content_type: legal:contract:nda
filing_date: 2023-06-15
source_url: https://files.test/nda
---
# Mutual non-disclosure agreement

The receiving party keeps every confidential document of the disclosing party secret for five years.
"""

FILES: Mapping[str, str] = {
    "hr/handbook.md": HANDBOOK,
    "legal/nda.md": CONTRACT,
    "legal/notes.txt": "The lease of the Lyon office ends in March.\n",
    "welcome.md": "# Welcome\n\nThis folder holds the documents of the company.\n",
}


def write(root: Path, files: Files) -> Path:
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def sample_folder(root: Path) -> Path:
    """Write three workspaces: `hr`, `legal` (with a PDF of three pages) and the folder itself."""
    pages = ("The lease costs ninety euros.", None, "Signed by the landlord in Lyon.")
    return write(root, {**FILES, "legal/lease.pdf": make_pdf(pages)})


def make_pdf(
    pages: Sequence[str | None],
    *,
    title: str | None = None,
    password: str | None = None,
    cipher: str = "RC4-128",
) -> bytes:
    """Return a PDF with one line of text on each page; None is a page without text.

    A page in square brackets is an array of strings and gaps (TJ), as TeX writes its lines.
    """
    writer = PdfWriter()
    for text in pages:
        page = writer.add_blank_page(width=612, height=792)
        if text is None:
            continue
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream = DecodedStreamObject()
        shown = f"{text} TJ" if text.startswith("[") else f"({text}) Tj"
        stream.set_data(f"BT /F1 12 Tf 72 700 Td {shown} ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
    if title is not None:
        writer.add_metadata({"/Title": title})
    if password is not None:
        writer.encrypt(password, algorithm=cipher)
    output = BytesIO()
    writer.write(output)
    return output.getvalue()
