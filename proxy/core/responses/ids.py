"""Ids of a response and of its items. From an item's id the response can be told.

So an `item_reference` finds its item without an index: some clients send back the ids of items
instead of the id of a response.
"""

from __future__ import annotations

import re
from typing import Final

_MINTED: Final = re.compile(r"[a-z]{1,8}_([0-9a-f]{32})[0-9a-f]{4,8}")


class Ids:
    """The ids of one response. `random` is 32 hexadecimal digits, and no other response has it."""

    def __init__(self, random: str) -> None:
        self.response = f"resp_{random}"
        self._random = random
        self._count = 0

    def mint(self, prefix: str) -> str:
        """The id of its next item."""
        self._count += 1
        return f"{prefix}_{self._random}{self._count:04x}"


def response_of(item_id: str) -> str | None:
    """The id of the response that an item belongs to; None if the proxy did not make its id."""
    match = _MINTED.fullmatch(item_id)
    return match and f"resp_{match[1]}"
