"""Content types: paths such as `legal:contract`, each of which stands for its subtree.

A path with a `*` is a pattern. What two scopes both allow is the one of two that lies within the
other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_AMBIGUOUS: Final = frozenset("|,?[]")
"""What a search might read as alternatives or wildcards in a content type, undocumented."""


class ContentTypes:
    """Content types, of which it can be told at once whether one of them covers another one.

    Only patterns are tried one by one.
    """

    def __init__(self, paths: tuple[str, ...]) -> None:
        self._paths = frozenset(paths)
        self._patterns = tuple(path for path in self._paths if path.endswith("*"))

    def cover(self, narrow: str) -> bool:
        """Whether everything that `narrow` matches is surely matched by one of the paths, too.

        `legal` covers `legal:contract`; `*contract*` covers `legal:contract` and `legal:contract*`.
        A pattern in `narrow` is covered by a plain path only if the part before its first `*` is.
        As a plain path stands for its subtree, only a pattern that is open at its end can cover it.
        """
        if narrow in self._paths:
            return True
        if _AMBIGUOUS.intersection(narrow):
            return False
        plain = narrow.partition("*")[0]
        ends = (place for place, each in enumerate(plain) if each == ":")
        if any(plain[:end] in self._paths for end in ends):
            return True
        return any(_matches(narrow, pattern) for pattern in self._patterns)


def cover(paths: tuple[str, ...]) -> Callable[[str], bool]:
    """A function that tells of a content type whether one of `paths` covers it."""
    return ContentTypes(paths).cover


def _matches(text: str, pattern: str) -> bool:
    """Whether `text` matches `pattern`, which ends in a `*`; each `*` stands for any text."""
    start, *pieces = pattern.split("*")
    if not text.startswith(start):
        return False
    place = len(start)
    for piece in pieces:
        found = text.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    return True
