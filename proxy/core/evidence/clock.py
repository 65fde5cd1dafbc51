"""Times of day: 14:30, 2:30 pm, 14h30, 14.30 Uhr, 2 pm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from proxy.core.evidence.tokens import Token

Time = tuple[int, int]
"""Hour and minute."""

_LAST_HOUR: Final = 24
_LAST_MINUTE: Final = 59
_NOON: Final = 12
_MOST_DIGITS: Final = 2
_CLOCKS: Final = frozenset({"uhr", "h", "heures", "am", "pm", "a", "p", "ore"})


class Clock(NamedTuple):
    """A time of day, and whether it can be nothing else: "14 h" may be how long something takes."""

    time: Time
    is_sure: bool
    after: int
    """The token that comes next."""


def clock_at(tokens: Sequence[Token], at: int) -> Clock | None:
    """The time of day that the number at `at` begins; None if it begins none."""
    text = tokens[at].text
    word = tokens[at + 1].folded if at + 1 < len(tokens) else ""
    if word not in _CLOCKS and ":" not in text:
        return None
    numbers, after = text.replace(".", ":").split(":"), at + 1
    if word in _CLOCKS:
        after += 1
        if word == "h" and len(numbers) == 1 and _is_attached_number(tokens, after):
            numbers.append(tokens[after].text)
            after += 1
    if len(numbers) > 2 or not all(n.isdecimal() and len(n) <= _MOST_DIGITS for n in numbers):  # noqa: PLR2004  # hour and minute
        return None
    hour, minute = int(numbers[0]), int(numbers[1]) if numbers[1:] else 0
    if hour > _LAST_HOUR or minute > _LAST_MINUTE:
        return None
    if word in {"pm", "p"} and hour < _NOON:
        hour += _NOON
    is_sure = len(numbers) > 1 and (":" in text or word in {"h", "uhr"})
    return Clock((hour, minute), is_sure, after if word not in {"a", "p"} else at + 1)


def _is_attached_number(tokens: Sequence[Token], at: int) -> bool:
    return at < len(tokens) and tokens[at].is_number and tokens[at].start == tokens[at - 1].end
