"""Splits a document into passages of about 1 to 1.5 kB, at its own headings and paragraphs.

A chunk never crosses a PDF page or a top heading of a Markdown file. Short neighbouring sections
share a chunk, so that a list of small headings does not become a list of fragments.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from proxy.sandbox.documents.markdown import Section, sections
from proxy.sandbox.documents.reading import Reading

SHORT = 200  # a passage of fewer characters makes little sense alone
FULL = 1000  # a chunk of this many characters takes nothing more
LIMIT = 1500  # the most characters of a chunk

_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")
_BREAKS = (
    (re.compile(r"\n"), "\n"),
    (re.compile(r"(?<=[.!?…])\s+"), " "),
    (re.compile(r"(?<=[。！？])"), ""),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage. `content` is None for a PDF page that is only an image.

    `section` holds the headings above the passage, and those inside it, outermost first. `page`
    is the 1-based PDF page.
    """

    content: str | None
    section: tuple[str, ...] = ()
    page: int | None = None


def split(reading: Reading) -> list[Chunk]:
    if reading.kind == "pdf":
        return [
            chunk
            for number, page in enumerate(reading.pages, start=1)
            for chunk in _split_page(page.text, number)
        ]
    if reading.kind == "markdown":
        return [
            Chunk(piece, section.path)
            for section in _merged(sections(reading.text))
            for piece in _pieces(section.blocks)
        ]
    return [Chunk(piece) for piece in _pieces(_PARAGRAPHS.split(reading.text.strip()))]


def _split_page(text: str | None, number: int) -> list[Chunk]:
    if text is None:
        return [Chunk(None, page=number)]
    return [Chunk(piece, page=number) for piece in _pieces(_PARAGRAPHS.split(text))]


def _merged(parts: Sequence[Section]) -> list[Section]:
    """Join short sections with those that follow beside or below them.

    A section with others below it begins anew, so that it stays with those.
    """
    merged: list[Section] = []
    for part, following in zip_longest(parts, parts[1:]):
        has_others_below = following is not None and following.level > part.level
        if merged and _belong_together(merged[-1], part, has_others_below=has_others_below):
            path = tuple(dict.fromkeys(merged[-1].path + part.path))
            merged[-1] = Section(path, merged[-1].level, merged[-1].blocks + part.blocks)
        else:
            merged.append(part)
    return merged


def _belong_together(held: Section, part: Section, *, has_others_below: bool) -> bool:
    if part.level == 1 or part.level < held.level:
        return False
    if part.level > held.level and _length(held) < SHORT:  # little more than a heading
        return True
    return not has_others_below and _length(held) + _length(part) <= FULL


def _length(section: Section) -> int:
    return sum(map(len, section.blocks))


def _pieces(blocks: Iterable[str]) -> list[str]:
    """Pack blocks into pieces of at most `LIMIT` characters, none of them a short remainder."""
    pieces = [""]
    for part in (part for block in blocks for part in _broken_up(block, _BREAKS)):
        joined = f"{pieces[-1]}\n\n{part}".strip("\n")
        if len(pieces[-1]) < FULL and len(joined) <= LIMIT:
            pieces[-1] = joined
        else:
            pieces.append(part)
    if len(pieces[-1]) < SHORT and len(joined := "\n\n".join(pieces[-2:])) <= LIMIT:
        pieces[-2:] = [joined]
    return pieces


def _broken_up(block: str, breaks: Sequence[tuple[re.Pattern[str], str]]) -> Iterator[str]:
    """Break a block that is too long, at the coarsest of `breaks` that will do."""
    if len(block) <= LIMIT:
        yield block
        return
    if not breaks:
        yield from (block[start : start + LIMIT] for start in range(0, len(block), LIMIT))
        return
    (pattern, glue), *finer = breaks
    held = ""
    for part in (part for whole in pattern.split(block) for part in _broken_up(whole, finer)):
        if not held:
            held = part
        elif len(held) + len(glue) + len(part) <= LIMIT:
            held += glue + part
        else:
            yield held
            held = part
    yield held
