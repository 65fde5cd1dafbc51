"""What comes together where something was taken out must not be a link, a tag or code of its own.

So `<` and `img>`, `htt` and `ps://`, `]` and `(` are kept apart by a space.
"""

from __future__ import annotations

import re
from typing import Final

_ADDRESSES: Final = ("http://", "https://", "ftp://", "//", "www.", "mailto:")
_BEGINNINGS: Final = frozenset(
    (address[:end], address[end]) for address in _ADDRESSES for end in range(1, len(address))
)
_LONGEST: Final = max(map(len, _ADDRESSES))
WHITE_SPACE: Final = " \t\r\n"
"""What all renderers take for white space. Python knows more, such as `\\x1c` and `\\x85`."""
_PART_OF_ENTITY: Final = re.compile(r"\w{0,32}#?&")
"""Read backwards."""


def joint(before: str, after: str, *, ends_label: bool) -> str:
    """What to put between two texts so that they stay apart: a space or nothing.

    `ends_label`: if `before` ends with a bracket, a colon after it would define a link.
    """
    if not before or not after:
        return ""
    last, first = before[-1], after[0]
    if last == "<":
        is_bad = first.isalpha() or first in "/!?"
    elif last == "]":
        is_bad = first == "(" or (first == ":" and ends_label)
    elif last in "`~":
        is_bad = first in "`~"
    elif last == "\\":
        is_bad = not first.isalnum() and first not in WHITE_SPACE
    else:
        is_bad = _makes_address(before, first) or (
            (first.isalnum() or first in "#;") and bool(_PART_OF_ENTITY.match(before[::-1]))
        )
    return " " if is_bad else ""


def _makes_address(before: str, first: str) -> bool:
    ending = before[-_LONGEST:].lower()
    if ending.endswith(_ADDRESSES):
        return first not in WHITE_SPACE
    return any(
        (ending[-length:], first.lower()) in _BEGINNINGS for length in range(1, len(ending) + 1)
    )
