"""The names of people, as headers, tokens and rules give them."""

from __future__ import annotations

import string
from collections.abc import Iterable
from typing import Final

from proxy.access.clients import Person

LONGEST_NAME: Final = 256
_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def person_of(name: str, groups: Iterable[str] = ()) -> Person:
    """The person of a name. Raises ValueError that says what the name must be.

    The capitals of an e-mail address do not count, since no two people differ in them alone. Only
    A to Z have such a rule: for all other letters, servers have rules of their own. Names that are
    no addresses, and groups, stay as they are.
    """
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise ValueError(
            f"must be 1 to {LONGEST_NAME} printable characters, without white space at either end"
        )
    return Person(name.translate(_LOWER) if name.count("@") == 1 else name, frozenset(groups))
