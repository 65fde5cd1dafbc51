"""What a recogniser looks at: text that has come, and whether more may come.

A recogniser decides from the text at its place alone, and from no more of it than its bound. So it
says the same however the text is cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Wait(NamedTuple):
    """It can't be told yet."""

    wake: str
    """Any of these characters may tell; "" for any at all."""
    most: int
    """Nor is there a need to wait for more than so many characters from the place on."""


@dataclass(frozen=True, slots=True)
class Window:
    text: str
    final: bool
    """The text ends here."""

    def end(self, at: int, most: int) -> int:
        """Where a recogniser at `at` must stop looking."""
        return min(len(self.text), at + most)

    def may_grow(self, at: int, most: int) -> bool:
        """Whether text may still come that a recogniser at `at` would look at."""
        return not self.final and len(self.text) < at + most
