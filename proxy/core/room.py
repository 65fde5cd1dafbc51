"""How much of an answer its client may still hear: one count for its text and its calls."""

from __future__ import annotations


class Room:
    """So many characters are left."""

    __slots__ = ("is_full", "left")

    def __init__(self, left: int) -> None:
        self.left = left
        self.is_full = False
        """The model said more than there was room for, so the turn ends here."""

    def cut(self, text: str) -> str:
        """As much of `text` as there is room for."""
        if len(text) > self.left:
            self.is_full = True
            text = text[: self.left]
        self.left -= len(text)
        return text
