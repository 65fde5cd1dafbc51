"""All marks but opening brackets: code, escapes, ends of links, tags, entities, addresses."""

from __future__ import annotations

import html
import re
from typing import Final

from proxy.core.text.addresses import Before, end_of_run, read_bare
from proxy.core.text.destinations import is_prose, read_destination
from proxy.core.text.links import LinkRules
from proxy.core.text.output import Output
from proxy.core.text.safe import is_safe_destination
from proxy.core.text.seams import joint
from proxy.core.text.tags import read_angle
from proxy.core.text.window import Wait, Window

_LONGEST_CODE: Final = 500
"""Inline code has at most so many characters: a stray backtick opens none."""
_LONGEST_ENTITY: Final = 40

_RUN: Final = re.compile("`+")
_RUN_OR_BREAK: Final = re.compile(r"`+|[\r\n]")
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_OPEN_ENTITY: Final = re.compile(r"&#?[a-z0-9]{0,32}", re.IGNORECASE)
_BEGINNINGS: Final = (":/", "//", "ww.", "mailto:")
_LONGEST_BEGINNING: Final = 8
_OF_ADDRESSES: Final = frozenset(":/.@")


class Inline:
    def __init__(self, out: Output, links: LinkRules | None) -> None:
        self._out = out
        self._links = links
        self.swallows = False
        """What comes next is part of an address that is taken out."""

    def read(self, window: Window, at: int, found: str) -> int | Wait:
        """Go past the mark `found` at `at`."""
        if found == "`":
            return self._ticks(window, at)
        if found == "\\":
            return self._escape(window, at)
        if self._links:
            return self._read_link(window, at, found, self._links)
        return self._plain(at, found)

    def _read_link(self, window: Window, at: int, found: str, links: LinkRules) -> int | Wait:
        if found == "]":
            return self._close(window, at, links)
        if found == "<":
            return self._angle(window, at, links)
        if found == "&":
            return self._entity(window, at)
        if found == "![":
            self._out.open("![")
            return at + len(found)
        if found == "~":
            return self._plain(at, found)  # it may begin a fence
        return self._address(window, at, found, links)

    def swallow(self, window: Window, at: int) -> int:
        """Take out the rest of an address that was too long to be looked at."""
        end = end_of_run(window.text, at)
        if end < len(window.text):
            self.swallows = False
            self._out.seam()
        return end

    def _plain(self, at: int, text: str) -> int:
        self._out.put(text)
        return at + len(text)

    def _ticks(self, window: Window, at: int) -> int | Wait:
        """Inline code stays as it is if it is certain: on one line, and in one cell of a table."""
        text, end = window.text, window.end(at, _LONGEST_CODE)
        lines = self._out.lines
        opening = _RUN.match(text, at, end)
        run = opening[0] if opening else "`"
        may_grow = window.may_grow(at, _LONGEST_CODE)
        if at + len(run) == end and may_grow:
            return Wait("", _LONGEST_CODE)
        if self._out.before_next("`").endswith("~"):
            lines.has_stray_ticks = True  # marked takes tildes and the backticks after them as text
        if lines.has_stray_ticks:
            return self._plain(at, run)
        for match in _RUN_OR_BREAK.finditer(text, at + len(run), end):
            if match.end() == end and may_grow:
                return Wait("", _LONGEST_CODE)
            if match[0] == run and not _ends_cell(text[at : match.start()]):
                return self._plain(at, text[at : match.end()])
            if match[0] in (run, "\r", "\n"):
                break
        else:
            if may_grow:
                return Wait("`\r\n", _LONGEST_CODE)
        lines.has_stray_ticks = True
        return self._plain(at, run)

    def _escape(self, window: Window, at: int) -> int | Wait:
        out = self._out
        after = window.text[at + 1 : at + 2]
        if not after and not window.final:
            return Wait("", 2)
        if self._links and after in _OF_ADDRESSES and self._is_seam(after):
            out.seam()
            out.put(after)
            out.seam()
            return at + 2
        is_escape = after.isascii() and not after.isalnum() and not after.isspace()
        return self._plain(at, window.text[at : at + (2 if is_escape else 1)])

    def _is_seam(self, after: str) -> bool:
        return not self._out.space and bool(joint(self._out.before, after, ends_label=False))

    def _close(self, window: Window, at: int, links: LinkRules) -> int | Wait:
        """A closing bracket, and the destination after it."""
        out = self._out
        after = window.text[at + 1 : at + 2]
        if not after and not window.final:
            return Wait("", 2)
        if after == "(":
            return self._link(window, at, links)
        prose: bool | Wait = True
        if after == ":" and out.may_end_label:
            prose = is_prose(window, at + 2)
            if isinstance(prose, Wait):
                return prose
        out.close(keep=True)
        out.put("]")
        if not prose:
            out.seam()
        return at + 1

    def _link(self, window: Window, at: int, links: LinkRules) -> int | Wait:
        out = self._out
        destination = read_destination(window, at + 1)
        if isinstance(destination, Wait):
            return destination
        if destination is None:
            out.close(keep=True)
            out.keep_address_apart()
            out.put("]")
            out.seam()
            return at + 1
        written = window.text[at + 1 : destination.end]
        if links.allows(destination.address) and is_safe_destination(written):
            is_apart = out.ends_plain_label
            out.close(keep=True)
            out.put("]" + written)
            out.ends_address = not is_apart
            out.keep_address_apart()
        else:
            if not out.close(keep=False):
                out.put("]")
            out.seam()
        return destination.end

    def _angle(self, window: Window, at: int, links: LinkRules) -> int | Wait:
        out = self._out
        angle = read_angle(window, at, begins_line=out.begins_line)
        if isinstance(angle, Wait):
            return angle
        written = window.text[at : angle.end]
        if angle.kind == "text":
            out.put(written)
        elif angle.kind == "apart":
            out.put(written + " ")
        elif angle.kind == "tag":
            out.seam()
        elif links.allows(angle.address) and is_safe_destination(written):
            out.put(written)
        else:
            out.put_link_removed()
        return angle.end

    def _entity(self, window: Window, at: int) -> int | Wait:
        """An entity stays, unless it hides a part of an address."""
        out, text = self._out, window.text
        end = window.end(at, _LONGEST_ENTITY)
        match = _ENTITY.match(text, at, end)
        if match is None:
            opening = _OPEN_ENTITY.match(text, at, end)
            if opening and opening.end() == end and window.may_grow(at, _LONGEST_ENTITY):
                return Wait("", _LONGEST_ENTITY)
            return self._plain(at, "&")
        char = html.unescape(match[0])
        if len(char) > 1 or not (char in _OF_ADDRESSES or (char.isascii() and char.isalnum())):
            return self._plain(at, match[0])
        out.seam()
        out.put(char)
        out.seam()
        return match.end()

    def _address(self, window: Window, at: int, found: str, links: LinkRules) -> int | Wait:
        out = self._out
        begin = found.lower()
        if not begin.endswith(_BEGINNINGS):  # of a mark, at the end of the text
            return self._plain(at, found) if window.final else Wait("", _LONGEST_BEGINNING)
        before = Before(out.before_next(found), out.is_in_brackets)
        bare = read_bare(window, at, begin, before, links)
        if isinstance(bare, Wait):
            return bare
        if bare.is_removed:
            out.put_link_removed()
            self.swallows = bare.goes_on
        else:
            out.put(window.text[at : bare.end])
            out.ends_address = bare.is_address
            out.has_seam = bare.needs_space
        return bare.end


def _ends_cell(code: str) -> bool:
    """Whether there is a bar that, in a table, ends the cell and any code with it."""
    return "|" in code.replace("\\\\", "").replace("\\|", "")
