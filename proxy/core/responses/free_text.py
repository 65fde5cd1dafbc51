r"""The input of a custom tool, decoded while the model still writes the JSON around it.

The model is offered a function with one string, see `proxy.core.responses.tools`. So it writes
`{"input": "…"}`, or bare text if it was trained on tools of free text:

    head  --`{"input": "`-->  string  --its end, or a fault-->  over
      |---no brace---------->  bare (all is told as it comes)
      +---other JSON------->  over (told at the end, in one piece)

If the JSON breaks off, what was told of it is taken back: half a program must not run. A line break
that stands in a string as it is, where JSON wants it escaped, breaks nothing: models write programs
so.
"""

from __future__ import annotations

import re
from typing import Final, Literal

import orjson

from proxy.core import json_text
from proxy.core.responses.tools import custom_input
from proxy.core.turn import first_object

_HEAD: Final = re.compile(r'\s{0,99}\{\s{0,99}"input"\s{0,99}:\s{0,99}"', re.ASCII)
_SIGNS: Final = '{"input":"'
"""The same without white space."""
_LONGEST_HEAD: Final = 100
_PART: Final = re.compile(r'[^"\\]+|\\[^u]|\\u.{4}', re.DOTALL)
"""Of a string in JSON: plain text, or an escape."""
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_UNESCAPED: Final = re.compile(r"\\.|[\x00-\x1f]", re.DOTALL)
"""An escape, or a character that JSON wants escaped."""
_FIRST_HALF: Final = re.compile(r"\\u[dD][89abAB]")
"""The first of the two escapes that a character beyond the basic plane takes."""
_ESCAPE: Final = len(r"\ud83e")


class FreeText:
    """The input of one call."""

    def __init__(self) -> None:
        self._state: Literal["head", "string", "bare", "over"] = "head"
        self._held = ""
        """What cannot be told yet: the head, or an escape that is not whole."""
        self._told: list[str] = []

    @property
    def text(self) -> str:
        """The input so far; all of it, once it is closed."""
        return "".join(self._told)

    def feed(self, piece: str) -> str:
        """What a piece of the call's arguments adds to the input."""
        if self._state == "over":
            return ""
        self._held += piece
        if self._state == "head":
            self._read_head()
        text = ""
        if self._state == "bare":
            text, self._held = self._held, ""
        elif self._state == "string":
            text = self._read_string()
        return self._tell(text)

    def close(self, arguments: str) -> str:
        """What is left to tell of the input, once the call has ended with all of its arguments."""
        if self._state == "bare":
            return ""
        found = first_object(arguments) or first_object(_STRING.sub(_mended, arguments))
        if not found and arguments.lstrip().startswith("{"):
            self._told.clear()
            return ""
        if self._told:  # to the end of the string, as the object is whole
            return ""
        return self._tell(custom_input(orjson.loads(found) if found else None, arguments))

    def _tell(self, text: str) -> str:
        if text:
            self._told.append(text)
        return text

    def _read_head(self) -> None:
        text = self._held.lstrip()
        if head := _HEAD.match(text):
            self._state, self._held = "string", text[head.end() :]
        elif text and not text.startswith("{"):
            self._state = "bare"
        elif len(self._held) > _LONGEST_HEAD or not _SIGNS.startswith("".join(text.split())):
            self._state = "over"

    def _read_string(self) -> str:
        text, place = self._held, 0
        while (part := _PART.match(text, place)) and not _may_be_half(text, place, part.end()):
            place = part.end()
        self._held = text[place:]
        if self._held.startswith('"'):
            self._state = "over"
        try:
            decoded: str = json_text.loads(f'"{_escaped(text[:place])}"'.encode())
        except ValueError:  # so the call is no JSON, and has no input
            self._state = "over"
            return ""
        return decoded


def _mended(string: re.Match[str]) -> str:
    return _escaped(string[0])


def _escaped(text: str) -> str:
    return _UNESCAPED.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    found = match[0]
    return found if found.startswith("\\") else f"\\u{ord(found):04x}"


def _may_be_half(text: str, place: int, end: int) -> bool:
    """Whether the part is an escape of which the one that follows may be the other half."""
    after = text[end : end + _ESCAPE]
    return len(after) < _ESCAPE and '"' not in after and bool(_FIRST_HALF.match(text, place))
