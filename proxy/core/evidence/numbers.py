"""Numbers as people write them, read in every way that they can be meant.

A value is a text with a point and no needless zeros ("1234.5"), so that digits without end cost no
more than their length.
"""

from __future__ import annotations

import re
from typing import Final

from proxy.core.evidence.tokens import SPACES_IN_NUMBERS

_SEPARATOR: Final = re.compile(rf"[.,:/'\u2019{SPACES_IN_NUMBERS}]")
_FRACTIONS: Final = {"¼": "0.25", "½": "0.5", "¾": "0.75"}
_GROUP: Final = 3


def value_of(whole: str, fraction: str = "", shift: int = 0) -> str:
    """The value of digits before and after the point, which is moved `shift` digits on."""
    if not fraction and not shift:
        return whole.lstrip("0") or "0"
    fraction = fraction.ljust(shift, "0")
    whole, fraction = whole + fraction[:shift], fraction[shift:].rstrip("0")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{fraction}" if fraction else whole


def readings(text: str) -> tuple[tuple[str, str], ...]:
    """All that a number may mean, each as digits before and after the point; none for a list.

    "1.234" is a thousand and more, or one and a bit; "1.234,5" is one thing only.
    """
    if text.isascii() and text.isdecimal():
        return ((text, ""),)
    if text in _FRACTIONS:
        return (("0", _FRACTIONS[text][2:]),)
    text = _in_ascii(text)
    parts = _SEPARATOR.split(text)
    signs = ["'" if sign == "\u2019" else sign for sign in _SEPARATOR.findall(text)]
    if not signs:
        return ((text, ""),)
    found = []
    if _are_groups(parts, signs):
        found.append(("".join(parts), ""))
    # "2,000" is no 2 with three digits behind the point.
    if _ends_in_fraction(parts, signs) and not (found and set(parts[-1]) == {"0"}):
        found.append(("".join(parts[:-1]), parts[-1]))
    return tuple(found)


def parts(text: str) -> list[str]:
    """The values of the numbers that make up a list, a version, a fraction."""
    return [value_of(each) for each in _SEPARATOR.split(_in_ascii(text)) if each.isdecimal()]


def _in_ascii(text: str) -> str:
    return (
        text
        if text.isascii()
        else "".join(str(int(each)) if each.isdecimal() else each for each in text)
    )


def _are_groups(parts: list[str], signs: list[str]) -> bool:
    """Whether all signs only group digits: "1 234 567", and "12,34,567" as written in India."""
    if len(set(signs)) > 1 or signs[0] in ":/" or parts[0].startswith("0"):
        return False
    least = 2 if signs[0] == "," else _GROUP
    return (
        len(parts[0]) <= _GROUP
        and len(parts[-1]) == _GROUP
        and all(least <= len(each) <= _GROUP for each in parts[1:])
    )


def _ends_in_fraction(parts: list[str], signs: list[str]) -> bool:
    if signs[-1] not in ".,":
        return False
    if len(signs) == 1:
        return True
    return signs[-1] not in signs[:-1] and _are_groups(parts[:-1], signs[:-1])
