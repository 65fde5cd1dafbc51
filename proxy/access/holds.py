"""What models may still be asked, as their upstream says, before it refuses.

A reply says how many requests remain, and when there are more. Each request that is sent since then
takes one of them. At none, further requests are held until the time that the reply named.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final

_MOST_MODELS: Final = 1_000


@dataclass(slots=True)
class _Left:
    requests: float
    until: float
    """When the upstream counts anew."""


class Holds:
    """What is left of each model. Times are seconds of one clock.

    It keeps only models that an upstream has said something of, and the latest of them.
    """

    def __init__(self) -> None:
        self._left: dict[str, _Left] = {}

    def note(self, model: str, requests: float, until: float) -> None:
        """The upstream has said that `requests` remain until then. 0 holds further ones."""
        self._left.pop(model, None)
        if len(self._left) >= _MOST_MODELS:
            del self._left[next(iter(self._left))]
        self._left[model] = _Left(requests, until)

    def spend(self, model: str) -> None:
        """A request is sent."""
        if (left := self._left.get(model)) is not None:
            left.requests -= 1

    def until(self, model: str, now: float) -> float:
        """When a request may be sent, if it may not be sent now; -inf if it may."""
        left = self._left.get(model)
        if left is None:
            return -inf
        if left.until <= now:
            del self._left[model]
            return -inf
        return left.until if left.requests <= 0 else -inf
