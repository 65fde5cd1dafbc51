"""The values that a label may have. They are bounded, whatever clients and upstreams send."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from proxy.errors import ProxyError

OTHER: Final = "other"
"""Stands for all values that are not known."""
NONE: Final = "none"
"""The status of what had no reply."""
_LONGEST: Final = 200


class Values:
    """The known values of a label, and those that turn out to be right, up to a number."""

    def __init__(self, known: Iterable[str] = (), *, more: int = 0) -> None:
        self._known = {"", *known}
        self._left = more

    def of(self, value: str, *, is_right: bool = False) -> str:
        """`value` if it is known, or if it `is_right` and there is room for it."""
        if value in self._known:
            return value
        if not is_right or not self._left or len(value) > _LONGEST:
            return OTHER
        self._left -= 1
        self._known.add(value)
        return value


def codes() -> frozenset[str]:
    """The codes of all errors that a client can get."""
    return frozenset(each.code or each.type for each in _errors(ProxyError))


def _errors(kind: type[ProxyError]) -> Iterator[type[ProxyError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _errors(each)
