"""The text of one answer, piece by piece: citations get their numbers, and no link leads out.

    text -> certain code                          as it is, to the end of its line or its backticks
         -> a bracket                             a marker; or it waits for the end of its link
         -> `](`, `<`, an address                 stays if it leads where it may, else goes
         -> all other text                        as it is

Each place is judged by what went out before it and by what follows it, as far as its recogniser's
bound. Where more may follow, the text is held from there on. So it makes no difference how it is
cut. Whatever goes leaves a seam, at which nothing may come together (`proxy.core.text.seams`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from proxy.core.text.brackets import Brackets
from proxy.core.text.data import begins_like_data
from proxy.core.text.inline import Inline
from proxy.core.text.links import LinkRules
from proxy.core.text.marks import (
    ANY_OF_LINKS,
    ANY_OF_MARKERS,
    NEXT_OF_LINKS,
    NEXT_OF_MARKERS,
)
from proxy.core.text.numbering import Marker, Numbering
from proxy.core.text.output import Output
from proxy.core.text.window import Wait, Window

_BRACKETS: Final = ("[", "【", "［")
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")
_UNDERLINE: Final = re.compile(r" {0,3}(?:-+|=+)? *")
_LONGEST_UNDERLINE: Final = 200
"""What is longer is taken for one, whatever follows."""


class AnswerText:
    """Feed it all text of the answer, also what is set between two rounds."""

    def __init__(
        self, *, numbering: Numbering, links: LinkRules | None, rewrite: bool = True
    ) -> None:
        """Without `rewrite`, markers keep the numbers of passages. None: links stay as they are."""
        self._links = links if links and links.mode != "all" else None
        self._out = Output()
        self._brackets = Brackets(self._out, self._links, numbering, rewrite=rewrite)
        self._inline = Inline(self._out, self._links)
        self._next = NEXT_OF_LINKS if self._links else NEXT_OF_MARKERS
        self._any = ANY_OF_LINKS if self._links else ANY_OF_MARKERS
        self._is_shown = False
        self._is_idle = False
        """Nothing is held, and nothing was taken out at the end."""
        self._beginning: str | None = ""
        """How the answer begins; None once it is told whether it is data."""
        self._held: list[str] = []
        self._held_size = 0
        self._wait: Wait | None = None

    @property
    def markers(self) -> list[Marker]:
        """The markers in what has gone out, in its order."""
        return self._out.markers

    @property
    def holds(self) -> bool:
        """Whether any text that was fed has not gone out."""
        return bool(self._held) or self._out.holds

    def show(self, passages: Mapping[int, str]) -> None:
        """The model is shown passages: number and address of each."""
        if not passages:
            return
        if not self._is_shown:
            self._is_shown = self._is_idle = True
            self._take_in_passed()
        self._brackets.passages.update(passages)
        if self._links:
            for address in passages.values():
                self._links.show(address)

    def feed(self, piece: str) -> str:
        """What may go out now; `piece` itself if there is nothing about it."""
        if self._beginning is not None and self._begin(piece, final=False) and self._is_shown:
            self._hold(piece)
            self._is_idle = False
            return ""
        if not self._is_shown or (self._is_idle and not self._any.search(piece)):
            if piece:
                self._out.passing.append(piece)
            return piece
        if self._wait and not self._wakes(piece, self._wait):
            self._hold(piece)
            return ""
        return self._go(piece, final=False)

    def flush(self) -> str:
        """What is held, as if the text ended here: a round ends, or the answer."""
        if not self._is_shown:
            return ""
        if self._beginning:
            self._begin("", final=True)
        text = self._go("", final=True)
        self._out.end()
        self._is_idle = False
        return text + self._out.take()

    def _begin(self, piece: str, *, final: bool) -> bool:
        """See how the answer begins. True if it can't be told yet whether it is data."""
        self._beginning = text = f"{self._beginning}{piece}".lstrip()
        is_data = begins_like_data(Window(text, final)) if text else None
        if isinstance(is_data, bool):
            self._beginning = None
            self._brackets.is_data = is_data
        return isinstance(is_data, Wait)

    def _take_in_passed(self) -> None:
        """See what the text that has passed leaves open, which nobody looked at."""
        if passed := self._out.passed():
            self._out.settle()
            self._out.lines.has_stray_ticks |= "`" in passed
            if "<" in passed or "]:" in passed:
                self._out.lines.doubt()

    def _wakes(self, piece: str, wait: Wait) -> bool:
        if not wait.wake or self._held_size + len(piece) >= wait.most:
            return bool(piece)
        return any(char in piece for char in wait.wake)

    def _hold(self, text: str) -> None:
        self._held.append(text)
        self._held_size += len(text)

    def _go(self, piece: str, *, final: bool) -> str:
        self._hold(piece)
        window = Window("".join(self._held), final)
        self._held.clear()
        self._held_size = 0
        self._wait = None
        self._out.settle()
        at = self._scan(window)
        if at < len(window.text):
            self._hold(window.text[at:])
        self._is_idle = not (
            self.holds or self._out.has_seam or self._inline.swallows or self._is_watched
        )
        return self._out.take()

    def _scan(self, window: Window) -> int:
        """Go through the text as far as it can be judged."""
        text, out = window.text, self._out
        at = 0
        while at < len(text):
            if self._inline.swallows:
                at = self._inline.swallow(window, at)
                continue
            end = len(text)
            if self._is_watched or out.lines.is_surely_code:
                if wait := self._keep_from_heading(window, at):
                    self._wait = wait
                    return at
                line = _LINE.match(text, at)
                end = line.end() if line else end
            found = None if out.lines.is_surely_code else self._next.search(text, at, end)
            start = found.start() if found else end
            if start > at:
                out.put(text[at:start])
                at = start
            elif found:
                step = self._read(window, at, found[0])
                if isinstance(step, Wait):
                    self._wait = step
                    return at
                at = step
        return at

    @property
    def _is_watched(self) -> bool:
        return self._links is not None and self._out.lines.may_become_heading

    def _keep_from_heading(self, window: Window, at: int) -> Wait | None:
        """Put an empty line before one that would make a heading, and no code, of what is above."""
        if not self._is_watched or not self._out.is_empty_line:
            return None
        most = window.end(at, _LONGEST_UNDERLINE)
        match = _UNDERLINE.match(window.text, at, most)
        end = match.end() if match else at
        if end == most and window.may_grow(at, _LONGEST_UNDERLINE):
            return Wait("", _LONGEST_UNDERLINE)
        is_whole = end == most or window.text[end] in "\r\n"
        if is_whole and window.text[at:end].strip():
            self._out.put("\n")
        return None

    def _read(self, window: Window, at: int, found: str) -> int | Wait:
        if found in _BRACKETS:
            return self._brackets.read(window, at)
        return self._inline.read(window, at, found)
