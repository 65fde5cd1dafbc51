"""Reads the outline of a Markdown text: its sections, and the blocks of each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_HEADING = re.compile(r" {0,3}(?P<marks>#{1,6})(?:[ \t]+(?P<text>.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(?P<mark>=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})(?P<info>.*)$")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_DECORATION = re.compile(r"[*`]+")


@dataclass(slots=True)
class Section:
    """A heading and what follows it up to the next one; the first block is the heading itself.

    `path` holds the headings that lead here, outermost first, as plain text; empty, with level 0,
    for text above the first heading.
    """

    path: tuple[str, ...]
    level: int
    blocks: list[str] = field(default_factory=list)


def sections(text: str) -> list[Section]:
    """Return the sections that hold something, in order."""
    found = [Section((), 0)]
    path: dict[int, str] = {}
    for block in _blocks(text):
        if heading := _heading(block):
            level, title = heading
            path = {above: name for above, name in path.items() if above < level}
            if title:
                path[level] = title
            found.append(Section(tuple(path.values()), level))
        found[-1].blocks.append(block)
    return [section for section in found if section.blocks]


def first_heading(text: str) -> str | None:
    for section in sections(text):
        if section.path:
            return section.path[-1]
    return None


def _heading(block: str) -> tuple[int, str] | None:
    """Return level and plain text of a block that is a heading."""
    line, _, below = block.partition("\n")
    if not below and (heading := _HEADING.match(line)):
        return len(heading["marks"]), _plain(heading["text"] or "")
    if (underline := _UNDERLINE.fullmatch(below)) and _may_be_underlined(line):
        return (1 if underline["mark"].startswith("=") else 2), _plain(line)
    return None


def _may_be_underlined(line: str) -> bool:
    return not line.lstrip().startswith(("-", "*", "+", ">", "|", "#", "`", "~"))


def _plain(heading: str) -> str:
    return _DECORATION.sub("", _LINK.sub(r"\1", heading)).strip()


def _blocks(text: str) -> Iterator[str]:
    """Split at blank lines and headings. A fenced block stays whole and is never a heading."""
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        if fence:
            lines.append(line)
            if _closes(line, fence):
                fence = ""
            continue
        opened = _FENCE.match(line)
        if lines and (not line.strip() or _HEADING.match(line)):
            yield "\n".join(lines)
            lines = []
        if _HEADING.match(line):
            yield line.strip()
        elif line.strip():
            lines.append(line.rstrip())
            fence = opened["fence"] if opened else ""
    if lines:
        yield "\n".join(lines)


def _closes(line: str, fence: str) -> bool:
    stripped = line.strip()
    return len(stripped) >= len(fence) and set(stripped) == {fence[0]}
