"""Tool calls that a model wrote as text: held back while they may be calls, read when they are.

Text passes until something opens that may be a call. From there on it is held back until the name
that the call would have is known, at most `LONGEST_UNNAMED` characters:

    text  --opening-->  maybe  --name of a tool-->  call (the rest of the turn is held)
      ^                   |
      +--- cannot be one -+

A call of the proxy's own tools is read wherever it stands, also in a code fence: the user must not
read it. What follows it in its turn is dropped, as the model went on without the results. A call of
the client's tools is one only if the whole turn is calls, outside of a fence: one that is quoted or
explained is text.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final

from proxy.core.call_forms import Reading, WrittenCall, read_calls
from proxy.core.call_signs import Sign, is_fenced, sign_at
from proxy.core.call_tags import OPENING
from proxy.core.tool_names import ToolNames, may_become, plain_name

_MOST_HELD: Final = 1_000_000
"""How much of a turn is held, in characters. Of a longer one, the client's calls are text."""
_MOST_TRIES: Final = 16
"""How many things that look like calls of the proxy's own tools are read in one turn."""


class TextCalls:
    """Reads the text of one turn, in any number of pieces."""

    def __init__(self, names: ToolNames) -> None:
        self._declared = names.declared
        self._takes_string = names.takes_string
        self._own = names.own_in_text
        self._client = names.client_in_text
        self._held: list[str] = []
        self._size = 0
        """How many characters are held."""
        self._call_of: AbstractSet[str] = frozenset()
        """Not empty if what is held begins with a call: the names that it may bear."""
        self._has_begun = False
        """The turn has said something that passed."""
        self.is_idle = not self._own and not self._client
        """Text without an opening passes, and makes no difference."""

    def feed(self, piece: str) -> str:
        """The part of the text up to and with `piece` that is certainly no call."""
        if self.is_idle and OPENING.search(piece) is None:
            return piece
        if self._call_of:
            return self._hold(piece)
        if not self._own and (self._has_begun or not self._client):
            return piece
        return self._sift("".join([*self._held, piece]) if self._held else piece)

    def close(self) -> tuple[str, tuple[WrittenCall, ...]]:
        """What is left of the text once the turn has ended, and its calls. No more are read."""
        text = self._take_held()
        own, client, is_first = self._own, self._client, not self._has_begun
        self._own = self._client = self._call_of = frozenset()
        self.is_idle = True
        if is_first and client and text and not is_fenced(text, 0):
            calls, end = self._read(text, 0)
            is_whole = end == len(text) and all(call.is_whole for call in calls)
            if calls and is_whole and all(call.name in own | client for call in calls):
                return "", calls
        return self._close_own(text, own)

    def _close_own(self, text: str, own: AbstractSet[str]) -> tuple[str, tuple[WrittenCall, ...]]:
        place = tries = 0
        while (opening := OPENING.search(text, place)) and tries < _MOST_TRIES:
            begin, place = opening.start(), opening.end()
            sign = sign_at(text, begin)
            if sign is None or not sign.is_whole or not self._means(sign, own):
                continue
            tries += 1
            calls = tuple(call for call in self._read(text, begin).calls if call.name in own)
            if not calls and text.startswith(("<", "[TOOL_CALLS]"), begin):
                name = plain_name(sign.name, self._declared)
                calls = (WrittenCall(name, text[begin:].strip(), is_whole=False),)
            if calls:
                return text[:begin], calls
        return text, ()

    @property
    def is_holding(self) -> bool:
        return bool(self._held)

    def _hold(self, piece: str) -> str:
        """Hold more of a call. If it grows too long, the client's calls are text."""
        room = _MOST_HELD - self._size
        self._size += len(piece)
        if self._size > _MOST_HELD and not self._call_of <= self._own:
            self._held.append(piece)
            self._client = self._call_of = frozenset()
            return self._sift(self._take_held())
        if room > 0:
            self._held.append(piece[:room])
        return ""

    def _sift(self, text: str) -> str:
        """What passes of `text`; the rest is held."""
        self._take_held()
        begin = self._first_doubt(text)
        passed = text[:begin]
        self._has_begun = self._has_begun or not (not passed or passed.isspace())
        self.is_idle = self._has_begun and begin == len(text)
        if self._call_of:
            return passed + self._hold(text[begin:])
        if begin < len(text):
            self._held = [text[begin:]]
        return passed

    def _first_doubt(self, text: str) -> int:
        """Where the first thing begins that is, or may become, a call; the end if there is none."""
        said_from = len(text) - len(text.lstrip())
        place = 0
        while opening := OPENING.search(text, place):
            begin, place = opening.start(), opening.end()
            is_first = not self._has_begun and begin == said_from
            is_clients = is_first and not is_fenced(text, begin)
            names = self._own | self._client if is_clients else self._own
            sign = sign_at(text, begin) if names else None
            if sign is None:
                continue
            if sign.is_whole and self._means(sign, names):
                self._call_of = self._own if self._means(sign, self._own) else names
                return begin
            if not sign.is_whole and may_become(sign.name, names):
                return begin
        return len(text)

    def _means(self, sign: Sign, names: AbstractSet[str]) -> bool:
        return plain_name(sign.name, self._declared) in names

    def _take_held(self) -> str:
        text = "".join(self._held)
        self._held, self._size = [], 0
        return text

    def _read(self, text: str, place: int) -> Reading:
        """The calls at `place`, with their tools' plain names."""
        calls, end = read_calls(text, place, self._takes_string)
        plain = (each._replace(name=plain_name(each.name, self._declared)) for each in calls)
        return Reading(tuple(plain), end)
