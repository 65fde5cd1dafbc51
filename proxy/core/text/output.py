"""What goes out: text, markers, and brackets that may yet have to go with the link they belong to.

Everything that is said about "before" and "the line" is said of what goes out, not of what came in:
that is what a renderer sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from proxy.core.text.addresses import names_address
from proxy.core.text.lines import Lines
from proxy.core.text.numbering import Marker
from proxy.core.text.safe import is_plain_label
from proxy.core.text.seams import WHITE_SPACE, joint

_TAIL: Final = 40
"""As many of the last characters are known."""
_MOST_PENDING: Final = 1_000
"""A bracket waits for its link for so many characters at most."""
_EDGE: Final = re.compile("[ \\t>*+\\-0-9.)\ufeff]*")
"""What may stand before a block's own text: quotation marks, bullets, numbers of a list.

And the byte order mark, which renderers drop.
"""
_LAST_WORD: Final = re.compile(r"[^\s]*")
_ADDRESSES: Final = ("//", "www.", "mailto:")
"""What the text ends with may go on, in a next round, as an address of its own."""
_LINK_REMOVED: Final = "[link removed]"


@dataclass(slots=True, eq=False)
class Cite:
    """A marker whose place is not known yet, or that may yet stand for more passages."""

    n: int
    passages: list[int]
    place: int | None = None
    """In the list of markers."""


@dataclass(slots=True, eq=False)
class _Opening:
    text: str


class Output:
    """What is known of the place right here, and what it means for what comes next.

    flag            set by                               until      what comes next
    begins_line     the end of a line                    text       may define a link
    space           white space at the end of a text     text       may take it away with it
    has_seam        what was taken out                   text       may get a space before it
    ends_address    an address                           a space    gets one after a seam
    run             a marker, `[link removed]`           text       may be a marker, after `]`
    is_in_brackets  a bracket that opens                 its end    may go with a link
    may_end_label   a bracket that begins its line       another    may define a link with `]:`
    """

    def __init__(self) -> None:
        self.lines = Lines()
        self.markers: list[Marker] = []
        self.before = ""
        """The last characters, but for `space`."""
        self.space = ""
        """A last space, which goes with a marker that is taken out."""
        self.begins_line = True
        """Whether this line holds nothing yet that is a block's own text."""
        self.has_seam = False
        """Something was taken out right here."""
        self.ends_address = False
        """An address stands right here, or punctuation after one."""
        self.run: dict[int, Cite] | None = None
        """The markers, by number, that stand in one run right here; None if no marker may do so."""
        self._label_begins_line = False
        self._length = 0
        self.passing: list[str] = []
        """Text that goes out as it is. It needs no look before it matters."""
        self._ready: list[str] = []
        self._parts: list[str | Cite | _Opening] = []
        """What waits for a link's end; the first is an opening."""
        self._openings: list[int] = []
        """Where the openings stand in `_parts`."""
        self._pending = 0
        self._anchor = ""
        """The last characters before what waits."""

    @property
    def holds(self) -> bool:
        return bool(self.space or self._parts)

    @property
    def is_empty_line(self) -> bool:
        """Whether this line is empty so far."""
        return not self.space and (not self.before or self.before[-1] in "\r\n")

    @property
    def is_code(self) -> bool:
        """Whether what comes next is likely code."""
        return self.lines.is_code or self.lines.is_set_in(self.space)

    @property
    def is_in_brackets(self) -> bool:
        """Whether a bracket waits for its link's end."""
        return bool(self._openings)

    @property
    def ends_plain_label(self) -> bool:
        """Whether a closing bracket, put here, ends what any renderer takes for a link's text."""
        if not self._openings:
            return False
        return is_plain_label("".join(map(_text_of, self._parts[self._openings[-1] + 1 :])))

    @property
    def may_end_label(self) -> bool:
        """Whether a closing bracket and a colon, put here, would define a link."""
        return self._label_begins_line

    def before_next(self, text: str) -> str:
        """What will stand before `text` if it is put here."""
        return self.before + (self.space or self._joint(text))

    def passed(self) -> str:
        """What has passed and was not looked at yet."""
        return "".join(self.passing)

    def settle(self) -> None:
        """Look at what has passed."""
        if self.passing:
            text = self.passed()
            self._length += len(text)
            self.passing.clear()
            self.lines.add(text)
            self._see(text)

    # Text in its order

    def put(self, text: str) -> None:
        """`text` goes on. A space at its end is held."""
        self._put_space(text)
        if text[-1] in " \t" and not self.lines.is_surely_code:
            text, self.space = text[:-1], text[-1]
        if text:
            self._put(text)

    def put_link_removed(self) -> None:
        begins_line = self.begins_line
        self.keep_address_apart()
        self.put(_LINK_REMOVED)
        self._label_begins_line = begins_line
        self.has_seam = True
        self.run = {}  # no label of a link: a bracket right after it may be a marker

    def end(self) -> None:
        """What is held goes out: the text ends, or is cut."""
        self.keep_all()
        self._put_space("")
        self.has_seam = True
        word = _LAST_WORD.match(self.before[::-1])
        ending = word[0][::-1].lower() if word else ""
        self.ends_address = len(ending) == _TAIL or any(each in ending for each in _ADDRESSES)

    def trust_colon(self) -> None:
        """The colon that comes next defines no link."""
        self._label_begins_line = False

    def seam(self) -> None:
        """Something is taken out here."""
        self.has_seam = True

    def keep_address_apart(self) -> None:
        """What comes next is no part of an address that stands here."""
        self.has_seam = self.has_seam or self.ends_address

    def take_out_marker(self, *, with_space: bool) -> None:
        """A marker is taken out here, with the space before it."""
        if with_space and not self.ends_address:
            self.space = ""
        self.has_seam = True

    def cite(self, numbers: Iterable[tuple[int, int]]) -> None:
        """Markers go on: number and passage of each. A number stands in a run once."""
        run = self.run or {}
        for n, passage in numbers:
            if cite := run.get(n):
                self._add_passage(cite, passage)
                continue
            begins_line = self.begins_line
            self._put_space("[")
            run[n] = cite = Cite(n, [passage])
            self._put(cite)
            self._label_begins_line = begins_line
        self.space = ""
        self.run = run
        self.has_seam = True

    def _add_passage(self, cite: Cite, passage: int) -> None:
        if passage not in cite.passages:
            cite.passages.append(passage)
            if cite.place is not None:
                marker = self.markers[cite.place]
                self.markers[cite.place] = marker._replace(passages=tuple(cite.passages))

    # Brackets that wait for their link's end

    def open(self, text: str) -> None:
        """A bracket opens, `[` or `![`, and may open a link."""
        begins_line = self.begins_line
        self._put_space(text)
        if not self._parts:
            self._anchor = self.before
        self._openings.append(len(self._parts))
        self._parts.append(_Opening(text))
        self._see(text, is_edge=True)
        self._label_begins_line = begins_line
        self._count(text)

    def close(self, *, keep: bool) -> bool:
        """The bracket that opened last stays, or goes with its link. False if none waits."""
        if not self._openings:
            return False
        at = self._openings.pop()
        opening = self._parts[at]
        if keep:
            self._parts[at] = _text_of(opening)
            self.begins_line = False
        else:
            self._hide_address(at + 1)
            after = "".join(map(_text_of, self._parts[at + 1 : at + 2]))
            self._parts[at] = joint(self._before(at), after, ends_label=True)
            self.before = self._before(len(self._parts))
            self.run = None
            self.has_seam = True
        if not self._openings:
            self._commit()
        return True

    def _hide_address(self, at: int) -> None:
        """What a link says goes with it if that is an address itself; its markers stay."""
        text = self._parts[at:]
        if names_address("".join(map(_text_of, text))):
            self._parts[at:] = [_LINK_REMOVED, *(each for each in text if isinstance(each, Cite))]
            self._label_begins_line = True

    def keep_all(self) -> None:
        """What waits goes out as it is."""
        if self._parts:
            self.begins_line = False
            self._openings.clear()
            self._commit()

    def take(self) -> str:
        """What may go out now."""
        text = "".join(self._ready)
        self._ready.clear()
        return text

    def _put_space(self, text: str) -> None:
        """Put the space that is held, or the one that must stand at a seam, before `text`."""
        space, self.space = self.space, ""
        if not space:
            space = self._joint(text)
        if space:
            self._put(space)

    def _joint(self, text: str) -> str:
        if not self.has_seam or not text:
            return ""
        if self.ends_address:
            return "" if text[0] in WHITE_SPACE else " "
        return joint(self.before, text, ends_label=self._label_begins_line)

    def _put(self, part: str | Cite) -> None:
        text = _text_of(part)
        if "\n" in text or "\r" in text:
            self.keep_all()  # so that each line that has ended is known
        self._see(text)
        if self._parts:
            self._parts.append(part)
            self._count(text)
        else:
            self._send(part)

    def _see(self, text: str, *, is_edge: bool = False) -> None:
        self.before = (self.before + text[-_TAIL:])[-_TAIL:]
        self.run = None
        self.has_seam = False
        self.ends_address = self.ends_address and not any(char in WHITE_SPACE for char in text)
        if is_edge:
            return
        line_begin = max(text.rfind("\n"), text.rfind("\r")) + 1
        if line_begin or self.begins_line:
            self.begins_line = _EDGE.fullmatch(text, line_begin) is not None

    def _count(self, text: str) -> None:
        self._pending += len(text)
        if self._pending > _MOST_PENDING:
            self.keep_all()

    def _before(self, end: int) -> str:
        """The last characters before the part at `end`."""
        before = ""
        while end and len(before) < _TAIL:
            end -= 1
            before = _text_of(self._parts[end]) + before
        return (self._anchor + before)[-_TAIL:]

    def _commit(self) -> None:
        parts, self._parts = self._parts, []
        self._pending = 0
        for part in parts:
            self._send(part)

    def _send(self, part: str | Cite | _Opening) -> None:
        text = _text_of(part)
        if isinstance(part, Cite):
            part.place = len(self.markers)
            end = self._length + len(text)
            self.markers.append(Marker(self._length, end, part.n, tuple(part.passages)))
        self._length += len(text)
        self._ready.append(text)
        self.lines.add(text)


def _text_of(part: str | Cite | _Opening) -> str:
    if isinstance(part, Cite):
        return f"[{part.n}]"
    return part if isinstance(part, str) else part.text
