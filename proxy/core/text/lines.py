"""Which lines of an answer are code, as CommonMark reads them.

Two things rest on it. In code no marker is touched: for that a likely fence will do. And in code no
link is taken out: for that it must be certain, for a renderer that sees no code there would show a
live link. Certain is a fence that begins at the edge of the page, while no other may be open.

Lines that are set in by four, after an empty line and in no list, are likely code, too.

A fence that is set in (in a list, a quotation) is likely. Everything is certain again after it if
all lines of it are set in alike: then it has ended whatever it stands in, or was none. Otherwise
the fences that follow may be opening or closing ones, and nothing is certain any more.

marked reads two things differently. A fence that closes may end with marks of both kinds. And where
a line of `---` or `===` underlines a heading, all from the last empty line on is text, fences and
all: so no such line may come after a fence that stands right under text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_BREAK: Final = re.compile(r"\r\n|\r|\n")
_OPENING_LINE: Final = re.compile(
    r"(?P<edge>[ \t>*+\-0-9.)]*)(?:(?P<ticks>`{3,})[^`]*|(?P<tildes>~{3,}).*)"
)
_CONTAINERS: Final = re.compile(r"[ \t>]*(?:(?P<item>[-*+]|1[.)])[ \t]+)?")
_CLOSING_LINE: Final = re.compile(
    r"(?P<edge>[ \t>]*)(?P<fence>`{3,}(?!`)|~{3,}(?!~))(?P<mixed>[`~]*)[ \t]*"
)
_ITEM: Final = re.compile(r"[-*+1.)]")
_FARTHEST_IN: Final = 3
_FENCE_BEGINS: Final = re.compile(r" {0,3}(?:```|~~~)")
_HEAD: Final = 6
"""As many characters of a line tell whether it may be a fence."""
_SET_IN: Final = re.compile(r" {4}| {0,3}\t")
_LIST_ITEM: Final = re.compile(r"[ \t>]{0,20}(?:[-*+]|\d{1,9}[.)])(?:[ \t]|\Z)")
_ATX_HEADING: Final = re.compile(r" {0,3}#{1,6}(?:\s|\Z)")


@dataclass(slots=True)
class _Fence:
    run: str
    edge: str
    """What stands before each of its lines."""
    is_sure: bool
    """Whether all that stands open can be told when it ends."""

    def closes(self, closing: re.Match[str] | None) -> bool:
        return closing is not None and closing["fence"].startswith(self.run)


class Lines:
    """Follows the lines of what goes out."""

    def __init__(self) -> None:
        self._line: list[str] = []
        """The last one, so far."""
        self._is_after_return = False
        self._fence: _Fence | None = None
        self._is_unsure = False
        self.has_stray_ticks = False
        """A run of backticks in this paragraph may yet open code, or close it."""
        self._head = ""
        """The beginning of the last line."""
        self._is_under_text = False
        """Text came, and no empty line after it."""
        self._is_in_list = False
        self._may_be_set_in = True
        """An empty line was the last one, or one of code that is set in."""
        self._has_fence_under_text = False

    @property
    def is_code(self) -> bool:
        """Whether the line at hand is likely code."""
        return self._fence is not None

    @property
    def is_surely_code(self) -> bool:
        fence = self._fence
        return fence is not None and fence.is_sure and not fence.edge

    def is_set_in(self, rest: str) -> bool:
        """Whether the line at hand, with `rest`, is likely code because it is set in."""
        return self._is_set_in_as(self._head + rest)

    def _is_set_in_as(self, line: str) -> bool:
        may_be = self._may_be_set_in and not self._is_in_list
        return may_be and _SET_IN.match(line) is not None

    @property
    def may_become_heading(self) -> bool:
        """Whether a fence stands, or begins, right under text."""
        return self._has_fence_under_text or (
            self._is_under_text and _FENCE_BEGINS.match(self._head) is not None
        )

    def doubt(self) -> None:
        """From here on take nothing for certain."""
        self._is_unsure = self.has_stray_ticks = True
        if self._fence:
            self._fence.is_sure = False

    def add(self, text: str) -> None:
        if self._is_after_return and text.startswith("\n"):
            text = text[1:]
        self._is_after_return = text.endswith("\r")
        *whole, rest = _BREAK.split(text)
        for line in whole:
            self._end("".join((*self._line, line)))
            self._line.clear()
            self._head = ""
        if rest:
            self._line.append(rest)
            self._head += rest[: _HEAD - len(self._head)]

    def _end(self, line: str) -> None:
        if not line.strip(" \t"):
            self.has_stray_ticks = self._is_under_text = self._has_fence_under_text = False
            self._may_be_set_in = True
        elif not self._fence:
            self._pass(line)
        if self._fence:
            self._go_on(self._fence, line)
        elif opening := _OPENING_LINE.fullmatch(line):
            self._open(opening)
        elif line.strip(" \t") and not _ATX_HEADING.match(line):
            self._is_under_text = True

    def _pass(self, line: str) -> None:
        """See what a line that has text tells of lists, and of lines that are set in."""
        if self._is_set_in_as(line):
            return
        if _LIST_ITEM.match(line):
            self._is_in_list = True
        elif self._may_be_set_in and not line.startswith((" ", "\t")):
            self._is_in_list = False
        self._may_be_set_in = False

    def _open(self, opening: re.Match[str]) -> None:
        run, edge = opening["ticks"] or opening["tildes"], opening["edge"]
        containers = _CONTAINERS.fullmatch(edge)
        if containers is None or "|" in opening[0]:  # a table may begin with such a line
            self._is_unsure = True
        elif containers["item"]:
            begin, _ = containers.span("item")
            edge = edge[:begin] + _ITEM.sub(" ", edge[begin:])
        self._fence = _Fence(run, edge, not self._is_unsure)
        self._has_fence_under_text |= self._is_under_text

    def _go_on(self, fence: _Fence, line: str) -> None:
        closing = _CLOSING_LINE.fullmatch(line)
        if not fence.edge and closing and not _is_near(closing["edge"]):
            closing = None
        if fence.closes(closing) and closing and closing["mixed"]:
            fence.is_sure = False  # it ends for marked, and for no other renderer
            self._is_unsure = True
        elif fence.closes(closing) and closing:
            self._fence = None
            if fence.is_sure and (not fence.edge or closing["edge"] == fence.edge):
                self.has_stray_ticks = False
            else:
                self._is_unsure = True
        elif fence.edge and not _is_set_in(line, fence.edge):
            fence.is_sure = False
            self._is_unsure = True


def _is_near(edge: str) -> bool:
    """Whether a line that begins with `edge` can close a fence at the edge of the page."""
    return len(edge) <= _FARTHEST_IN and not edge.strip(" ")


def _is_set_in(line: str, edge: str) -> bool:
    return line.startswith(edge) or (not line.strip(" \t") and not edge.strip(" \t"))
