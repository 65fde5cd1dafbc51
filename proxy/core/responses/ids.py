"""The ids of a response and of its items. The id of an item tells in which response it stands.

So a client may refer to an item alone, as SDKs do by themselves, and nothing else need be kept to
find it.
"""

from __future__ import annotations

import re
from typing import Final

_ITEM: Final = re.compile(r"[a-z]{1,8}_([0-9a-f]{32})[0-9a-f]{3,8}")


class Ids:
    """Makes the ids of one response, each another one."""

    def __init__(self, random: str) -> None:
        """`random` is 32 hexadecimal digits that nobody can guess."""
        self._random = random
        self._count = 0

    @property
    def response(self) -> str:
        return f"resp_{self._random}"

    def mint(self, prefix: str) -> str:
        """An id of an item whose type has this prefix, such as "msg"."""
        self._count += 1
        return f"{prefix}_{self._random}{self._count:03x}"


def response_of(item_id: str) -> str | None:
    """The id of the response that an item stands in, if a proxy has made the item's id."""
    found = _ITEM.fullmatch(item_id)
    return None if found is None else f"resp_{found[1]}"
