"""The names of people, as headers, tokens and rules give them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from proxy.access.clients import Person

LONGEST_NAME: Final = 256


def person_of(name: str, groups: Iterable[str] = ()) -> Person:
    """The person of a name. Raises ValueError that says what the name must be.

    The capitals of an e-mail address do not count, since no two people differ in them alone. All
    other names, and groups, stay as they are.
    """
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise ValueError(
            f"must be 1 to {LONGEST_NAME} printable characters, without white space at either end"
        )
    return Person(_lowered(name) if name.count("@") == 1 else name, frozenset(groups))


def _lowered(name: str) -> str:
    """With the letters A to Z in lower case. For all others, servers have rules of their own."""
    return "".join(each.lower() if each.isascii() else each for each in name)
