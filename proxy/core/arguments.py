"""Gathers the arguments of a call, piece by piece, until they hold a whole JSON object.

`Arguments` scans each piece once. It counts the braces outside of strings, and parses the JSON when
the outermost brace closes. The proxy acts on a whole object at once, so later text cannot count.
"""

from __future__ import annotations

import re
from typing import Final

from proxy.core.turn import first_object

MAX_ARGUMENT_CHARS: Final = 64_000
"""The proxy reads no more of a hidden call's arguments, in characters."""

_MARKS: Final = re.compile(r'["{}]|\\.?', re.DOTALL)
"""The marks around strings and objects. A backslash takes the next character with it."""


class Arguments:
    """The arguments of one call, as far as the model has written them."""

    __slots__ = ("_depth", "_in_string", "_is_escaped", "_is_over", "_pieces", "_room", "is_object")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._room = MAX_ARGUMENT_CHARS + 1
        """One more than the limit, so that the text itself shows that it is too long."""
        self._depth = 0
        self._in_string = False
        self._is_escaped = False
        self._is_over = False
        self.is_object = False
        """Whether the text begins with a whole JSON object."""

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    @property
    def has_begun(self) -> bool:
        return bool(self._pieces)

    @property
    def is_too_long(self) -> bool:
        return not self._room

    def add(self, piece: str) -> None:
        """Take in a piece that is not for the client, up to the limit."""
        piece = piece[: self._room]
        self._room -= len(piece)
        self.pass_on(piece)

    def pass_on(self, piece: str) -> None:
        """Take in a piece that the client hears. The turn reader has bounded its length."""
        if not piece:
            return
        self._pieces.append(piece)
        if not self._is_over and self._closes(piece):
            self._is_over = True
            self.is_object = bool(first_object(self.text))

    def _closes(self, piece: str) -> bool:
        """Whether the outermost brace closes in `piece`, or the text begins with no brace."""
        if not self._depth:
            piece = piece.lstrip()
            if piece and not piece.startswith("{"):
                return True
        if self._in_string and not self._is_escaped and '"' not in piece and "\\" not in piece:
            return False  # most pieces are just some words of a query
        start, self._is_escaped = int(self._is_escaped), False
        for match in _MARKS.finditer(piece, start):
            mark = match[0]
            if self._in_string:
                self._is_escaped = mark == "\\"
                self._in_string = mark != '"'
            elif mark == '"':
                self._in_string = True
            elif mark in "{}":
                self._depth += 1 if mark == "{" else -1
                if not self._depth:
                    return True
        return False
