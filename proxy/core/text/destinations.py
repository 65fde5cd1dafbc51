"""Where a link in Markdown leads: what follows `](`, and what follows `[label]:`."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from proxy.core.text.window import Wait, Window

LONGEST: Final = 8_000
"""What is longer than this is no link, and is written so that it can't be taken for one."""
_LONGEST_LABEL: Final = 1_000
_DEEPEST: Final = 32
"""So many parentheses may stand in each other; markdown-it allows no more."""

_SPACE: Final = re.compile(r"[ \t]*(?:(?:\r\n|\r|\n)[ \t]*)?")
_BLANK: Final = re.compile(r"[ \t\r\n]*")
_ANGLE: Final = re.compile(r"<(?:[^<>\\\r\n]|\\[^<\r\n])*>")
_OPEN_ANGLE: Final = re.compile(r"<(?:[^<>\\\r\n]|\\[^<\r\n])*\\?")
_PLAIN: Final = re.compile(r"(?:[^\s()\\]|\\[^\s]|\\(?=\s))*")
_TITLES: Final = {
    '"': re.compile(r'"(?:[^"\\]|\\.)*', re.DOTALL),
    "'": re.compile(r"'(?:[^'\\]|\\.)*", re.DOTALL),
    "(": re.compile(r"\((?:[^()\\]|\\.)*", re.DOTALL),
}
_CLOSING: Final = {'"': '"', "'": "'", "(": ")"}

_LABEL: Final = re.compile(r"\[(?:[^\[\]\\\r\n]|\\[^\r\n])*")
_LINE: Final = re.compile(r"[^\r\n]*")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_PROSE: Final = re.compile(
    r"[ \t]{1,8}[\w*\"«“„][\w*.,;\"'’“”«»()\-]{0,60}[ \t]{1,8}[\w*«“„\-\u2013\u2014]"
)
"""Two words of prose: nothing in them is ever taken out, and the second begins no title."""
_WORD: Final = re.compile(r"[\w'’\-]+[.,;!?]?")
_DESTINATION: Final = re.compile(r"<[^<>]*>|[^\s]+")


class Destination(NamedTuple):
    address: str
    title: str
    """With its quotation marks; or ""."""
    end: int
    """After the closing parenthesis."""


def read_destination(window: Window, at: int) -> Destination | Wait | None:
    """The destination in parentheses that opens at `at`; None if what stands there is none."""
    end = window.end(at, LONGEST)
    more = Wait("", LONGEST) if window.may_grow(at, LONGEST) else None
    text = window.text
    place = _skip(text, at + 1, end)
    if place == end:
        return more
    if text[place] == "<":
        angle = _ANGLE.match(text, place, end)
        if angle is None:
            opened = _OPEN_ANGLE.match(text, place, end)
            return more if opened and opened.end() == end else None
        address, place = angle[0][1:-1], angle.end()
    else:
        stop = _balanced(text, place, end)
        if stop is None:
            return None
        address, place = text[place:stop], stop
        if place == end:
            return more and Wait(" \t\r\n()\\", LONGEST)
    return _close(window, address, place, end, more)


def _close(
    window: Window, address: str, place: int, end: int, more: Wait | None
) -> Destination | Wait | None:
    """The rest of a destination, after its address: a title, perhaps, and the parenthesis."""
    text = window.text
    after = _skip(text, place, end)
    if after == end:
        return more
    title = ""
    if after > place and text[after] in _TITLES:
        mark = text[after]
        match = _TITLES[mark].match(text, after, end)
        close = match.end() if match else end
        if match and "\n\n" in match[0]:
            return None
        if close == end or text[close] == "\\":
            return more and Wait(_CLOSING[mark] + "\\\n(", LONGEST)
        if text[close] != _CLOSING[mark]:
            return None
        title = text[after : close + 1]
        after = _skip(text, close + 1, end)
        if after == end:
            return more
    return Destination(address, title, after + 1) if text[after] == ")" else None


def _skip(text: str, at: int, end: int) -> int:
    """Past white space, and one end of a line at most."""
    match = _SPACE.match(text, at, end)
    return match.end() if match else at


def _balanced(text: str, at: int, end: int) -> int | None:
    """Where an address ends: at white space or at a parenthesis too many."""
    depth = 0
    while True:
        match = _PLAIN.match(text, at, end)
        at = match.end() if match else at
        if at < end and text[at] == "\\":
            at = end  # what it escapes has not come
        if at == end or text[at].isspace():
            return None if depth and at < end else at
        depth += 1 if text[at] == "(" else -1
        if depth < 0:
            return at
        if depth > _DEEPEST:
            return None
        at += 1


class Definition(NamedTuple):
    """A line that defines what a label leads to: `[label]: address "title"`."""

    address: str
    end: int
    """Of the line, before what ends it."""
    next_line: int


def read_definition(window: Window, at: int) -> Definition | Wait | None:
    """The definition that begins at `at`; None if what stands there is not one on one line."""
    most = _LONGEST_LABEL
    text, end = window.text, window.end(at, most)
    label = _LABEL.match(text, at, end)
    close = label.end() if label else end
    if close + 1 >= end or text[close] == "\\":
        is_open = close >= end - 1 and text[close:end] in ("", "\\", "]")
        return Wait("", most) if is_open and window.may_grow(at, most) else None
    if text[close : close + 2] != "]:":
        return None
    prose = is_prose(window, close + 2)
    if prose is not False:
        return prose if isinstance(prose, Wait) else None
    return _line(window, at, close + 2)


def _line(window: Window, at: int, place: int) -> Definition | Wait | None:
    text, end = window.text, window.end(at, LONGEST)
    line = _LINE.match(text, place, end)
    stop = line.end() if line else end
    if stop == end and window.may_grow(at, LONGEST):
        return Wait("\r\n", LONGEST)
    after = _LINE_END.match(text, stop)
    if after and after[0] == "\r" and after.end() == len(text) and not window.final:
        return Wait("", LONGEST + 2)
    said = text[place:stop].strip(" \t")
    match = _DESTINATION.match(said)
    if match is None or _WORD.fullmatch(match[0]):
        return None
    rest = said[match.end() :].lstrip()
    if rest and rest[0] not in _TITLES:
        return None
    return Definition(match[0].strip("<>"), stop, after.end() if after else stop)


def is_prose(window: Window, at: int) -> bool | Wait:
    """Whether what follows `]:` can't be the destination of a definition, whatever follows."""
    most = 140
    if _PROSE.match(window.text, at, window.end(at, most)):
        return True
    line = _LINE.match(window.text, at, window.end(at, most))
    is_whole = line is not None and line.end() < window.end(at, most)
    return False if is_whole or not window.may_grow(at, most) else Wait("", most)
