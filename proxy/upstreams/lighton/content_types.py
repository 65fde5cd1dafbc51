"""Content types: paths such as `legal:contract`, each of which stands for its subtree.

A path with a `*` is a pattern. Of two paths, two scopes both allow the one that lies within the
other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_AMBIGUOUS: Final = frozenset("|,?[]")
"""LightOn might read these in a content type as alternatives or wildcards; it does not say."""


class ContentTypes:
    """Content types, with a fast check whether one covers another.

    Only patterns are tried one by one.
    """

    def __init__(self, paths: tuple[str, ...]) -> None:
        self._paths = frozenset(paths)
        self._patterns = tuple(path for path in self._paths if path.endswith("*"))

    def cover(self, narrow: str) -> bool:
        """Whether one of the paths surely matches everything that `narrow` matches.

        `legal` covers `legal:contract`; `*contract*` covers `legal:contract` and `legal:contract*`.
        A plain path covers a pattern in `narrow` only if it covers the part before the first `*`.
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
    """A function that says whether one of `paths` covers a content type."""
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
