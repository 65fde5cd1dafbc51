"""Where a text must be looked at: marks of Markdown, and addresses.

Nearly all text has none. Each alternative begins with a character of its own, and ignores no case:
so the search skips from one such character to the next, in C.
"""

from __future__ import annotations

import re
from typing import Final


def _address(first: str, rest: str, part: str) -> tuple[str, ...]:
    """An address that begins with `first` and `rest`; or a part of it, at the end of the text."""
    begins_word = rf"(?<![A-Za-z0-9]{{0}})(?:{rest}|{part}\Z)"
    return tuple(each + begins_word.replace("{0}", each) for each in (first, first.upper()))


_OF_MARKERS: Final = (r"\[", "【", "［", "`", r"\\")
_OF_LINKS: Final = (
    *(r"\]", "<", "&", "~", r"!(?:\[|\Z)", r"/(?:/|\Z)"),
    *_address("h", "[tT][tT][pP][sS]?:/", "(?:[tT](?:[tT](?:[pP][sS]?:?)?)?)?"),
    *_address("f", "[tT][pP]:/", "(?:[tT](?:[pP]:?)?)?"),
    *(rf"{w}(?:[wW]{{1,2}}(?:\.|\Z)|(?<![A-VX-Za-vx-z0-9]{w})\Z)" for w in "wW"),
    *_address("m", "[aA][iI][lL][tT][oO]:", "(?:[aA](?:[iI](?:[lL](?:[tT][oO]?)?)?)?)?"),
)
_SPACE: Final = (r" \Z", r"\t\Z")
"""A space at the end is held."""

NEXT_OF_MARKERS: Final = re.compile("|".join(_OF_MARKERS))
NEXT_OF_LINKS: Final = re.compile("|".join((*_OF_MARKERS, *_OF_LINKS)))
ANY_OF_MARKERS: Final = re.compile("|".join((*_OF_MARKERS, *_SPACE)))
ANY_OF_LINKS: Final = re.compile("|".join((*_OF_MARKERS, *_OF_LINKS, *_SPACE)))
