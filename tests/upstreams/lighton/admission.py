"""What LightOn's filters admit: a model kept apart from the code under test.

The universes are so small that every document can be tried.
"""

from __future__ import annotations

import itertools
import re

IDS = range(1, 5)
LABELS = ("x", "y", "z")
PATHS = [
    ":".join(parts)
    for depth in (1, 2, 3)
    for parts in itertools.product(("a", "b", "ab"), repeat=depth)
]


def admitted_ids(ids: tuple[int, ...] | None) -> set[int]:
    return set(IDS) if ids is None else set(IDS) & set(ids)


def admitted_paths(entries: tuple[str, ...] | None, *, patterns_are_subtrees: bool) -> set[str]:
    """The content types that LightOn's filter admits.

    An entry means itself and its subtree; with a `*` it is a pattern for the whole path. Whether a
    pattern includes the subtrees of what it matches is nowhere said, so both are tried.
    """
    if entries is None:
        return set(PATHS)
    return {
        path
        for path in PATHS
        for entry in entries
        if admits_path(entry, path, patterns_are_subtrees=patterns_are_subtrees)
    }


def admits_path(entry: str, path: str, *, patterns_are_subtrees: bool) -> bool:
    pattern = ".*".join(map(re.escape, entry.split("*")))
    is_subtree = "*" not in entry or patterns_are_subtrees
    return re.fullmatch(f"{pattern}(:.*)?" if is_subtree else pattern, path) is not None


def admitted_label_sets(required: tuple[str, ...] | None) -> set[frozenset[str]]:
    """The attributes a document may have: all entries are demanded."""
    every = (
        frozenset(labels)
        for size in range(len(LABELS) + 1)
        for labels in itertools.combinations(LABELS, size)
    )
    return {labels for labels in every if labels.issuperset(required or ())}
