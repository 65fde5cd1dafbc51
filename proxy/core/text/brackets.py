"""Opening brackets: a marker, a link's definition, or the beginning of a link's text."""

from __future__ import annotations

from typing import Final

from proxy.core.text.destinations import (
    Destination,
    is_prose,
    read_definition,
    read_destination,
)
from proxy.core.text.links import LinkRules, read, without_fragment
from proxy.core.text.markers import LONGEST, Bracket, read_bracket
from proxy.core.text.marks import NEXT_OF_LINKS
from proxy.core.text.numbering import Numbering
from proxy.core.text.output import Output
from proxy.core.text.safe import is_safe_destination
from proxy.core.text.sure import can_be_taken_out, stays
from proxy.core.text.window import Wait, Window

_TELLS_NOTHING: Final = (" ", ".")
"""After an index, what follows these may tell that it is one."""
_OPENING: Final = ("[", "【", "［")
_WORD: Final = "x"
"""A marker after another stands where that one may."""
_LONGEST_SCHEME: Final = 16
_AFTER: Final = 2
"""So many characters after a bracket are looked at."""


class Brackets:
    def __init__(
        self, out: Output, links: LinkRules | None, numbering: Numbering, *, rewrite: bool
    ) -> None:
        self._out = out
        self._links = links
        self._numbering = numbering
        self._rewrite = rewrite
        self.passages: dict[int, str] = {}
        """What the model was shown: number and address of each."""
        self.is_data = False
        """The answer is JSON: its brackets are no markers."""

    def read(self, window: Window, at: int) -> int | Wait:
        out = self._out
        is_square = window.text[at] == "["
        if is_square and out.begins_line and (self._links or self._rewrites):
            step = self._definition(window, at)
            if step is not None:
                return step
        if not self.is_data and not out.is_code:
            step = self._marker(window, at)
            if step is not None:
                return step
        if is_square and self._links:
            out.open("[")
        else:
            out.put(window.text[at])
        return at + 1

    @property
    def _rewrites(self) -> bool:
        return self._rewrite and not self.is_data and not self._out.is_code

    def _definition(self, window: Window, at: int) -> int | Wait | None:
        """Go past the definition at `at`: it stays, or its line goes. None if there is none."""
        definition = read_definition(window, at)
        if definition is None or isinstance(definition, Wait):
            return definition
        line = window.text[at : definition.end]
        label, _, written = line.partition("]:")
        if not self._is_of_source(label, definition.address):
            if self._links is None:
                return None
            is_safe = is_safe_destination(written) and not NEXT_OF_LINKS.search(label, 1)
            if is_safe and self._links.allows(definition.address):
                self._out.put(line)
                self._out.lines.doubt()  # for marked, its title may begin below and hide a fence
                return definition.end
        is_whole_line = self._out.is_empty_line
        self._out.seam()
        return definition.next_line if is_whole_line else definition.end

    def _is_of_source(self, label: str, address: str) -> bool:
        """Whether a definition lets passages' numbers lead to a source.

        In the text they get other numbers, which it would lead to the wrong one.
        """
        bracket = read_bracket(Window(f"{label}]", final=True), 0) if self._rewrites else None
        if not isinstance(bracket, Bracket) or not self.passages.keys() >= set(bracket.numbers):
            return False
        leads_to = without_fragment(read(address))
        return any(without_fragment(url) == leads_to for url in self.passages.values())

    def _marker(self, window: Window, at: int) -> int | Wait | None:
        """Go past the marker at `at`; None if there is none."""
        bracket = read_bracket(window, at)
        if bracket is None or isinstance(bracket, Wait):
            return bracket
        after = window.text[bracket.end : bracket.end + _AFTER]
        may_be_index = not self._out.space and after in _TELLS_NOTHING
        if not window.final and (not after or may_be_index):
            return Wait("", bracket.end - at + _AFTER)
        end = self._end(window, bracket, after)
        if end is None or isinstance(end, Wait):
            return end
        skips = self._cite(bracket, after)
        if skips is None:
            return None
        if after.startswith(":") and is_prose(window, bracket.end + 1) is True:
            self._out.trust_colon()
        return end + skips

    def _end(self, window: Window, bracket: Bracket, after: str) -> int | Wait | None:
        """Where a marker ends, with what belongs to it; None if it is none."""
        if self._is_none(bracket, after):
            return None
        if after.startswith("("):
            return self._after_link(window, bracket)
        if not after.startswith(":") or not self._out.begins_line:
            return bracket.end
        if self._links:
            prose = is_prose(window, bracket.end + 1)
            return prose if isinstance(prose, Wait) else bracket.end
        is_address = _is_address(window, bracket.end + 1)
        return is_address if isinstance(is_address, Wait) else None if is_address else bracket.end

    def _is_none(self, bracket: Bracket, after: str) -> bool:
        """Whether what has the form of a marker is none, whatever its numbers."""
        out = self._out
        if out.before.endswith("]") and not out.space and out.run is None:
            return True  # the second bracket of a link, or of an index
        return stays(bracket, out.before, out.space, after, begins_line=out.begins_line)

    def _after_link(self, window: Window, bracket: Bracket) -> int | Wait | None:
        """Where a marker ends that a parenthesis follows; None if the two are a link.

        Models write `[1](address of passage 1)`, and `[1](anything they made up)`.
        """
        destination = read_destination(window, bracket.end)
        if destination is None or isinstance(destination, Wait):
            return bracket.end if destination is None else destination
        addresses = {without_fragment(self.passages.get(n, "")) for n in bracket.numbers}
        if without_fragment(read(destination.address)) in addresses - {""}:
            return destination.end
        if self._links and not self._stays(window, bracket.end, destination, self._links):
            return destination.end
        return None

    @staticmethod
    def _stays(window: Window, at: int, destination: Destination, links: LinkRules) -> bool:
        written = window.text[at : destination.end]
        return links.allows(destination.address) and is_safe_destination(written)

    def _cite(self, bracket: Bracket, after: str) -> int | None:
        """Put the marker's numbers, or take it out; None if it is none.

        It says how much of what follows goes with it: a comma, if one stands before it, too.
        """
        out = self._out
        known = [n for n in bracket.numbers if n in self.passages]
        unknown = [n for n in bracket.numbers if n not in self.passages]
        before = _WORD if out.run else out.before
        if unknown and not can_be_taken_out(unknown, before, max(self.passages)):
            return None
        if known:
            out.cite((self._number(passage), passage) for passage in known)
            return 0
        keeps_space = after[:1].isalnum() or after[:1] in _OPENING
        out.take_out_marker(with_space=not keeps_space)
        return 1 if before.endswith(",") and after.startswith(",") else 0

    def _number(self, passage: int) -> int:
        return self._numbering.of(self.passages[passage]) if self._rewrite else passage


def _is_address(window: Window, at: int) -> bool | Wait:
    """Whether what follows a number and a colon, at the begin of a line, is an address."""
    if window.may_grow(at, _LONGEST_SCHEME) and "\n" not in window.text[at:]:
        return Wait("", LONGEST + _LONGEST_SCHEME)
    text = window.text[at : at + _LONGEST_SCHEME].lstrip(" \t<")
    return text.startswith(("http:", "https:", "/", "www.", "#"))
