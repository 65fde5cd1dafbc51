"""Runs targets: cases are drawn, checked and, when one fails, kept for being tried again.

Cases come from a plain seeded `random.Random`, one for each number, so that any case can be drawn
again by its seed and number, in any order and for as long as one likes. Hypothesis, which the tests
use for properties of small structures, bounds a run by examples and spends its time on shrinking;
here a case is a broken document or connection of some kilobytes, and time is what is bounded.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

_SHRINK_TRIES: Final = 300
_SHRINK_S: Final = 10.0


class UnavailableError(Exception):
    """A target cannot be tried, because something that it needs is not there."""


class Target(Protocol):
    """Something that takes bytes from outside."""

    name: str

    def draw(self, random: Random) -> bytes:
        """A case."""

    def check(self, case: bytes) -> None:
        """Try it. Raises AssertionError, or whatever the code under test should not have raised."""


Opener = Callable[[], AbstractContextManager[Target]]
"""Gives a target for as long as its block."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that failed, made smaller as far as it went on failing in the same way."""

    target: str
    seed: int
    number: int
    case: bytes
    smaller: bytes
    fault: BaseException


@dataclass(frozen=True, slots=True)
class Bounds:
    """When a run ends: after so many cases, or so many seconds."""

    cases: int
    seconds: float = float("inf")


def draw(target: Target, seed: int, number: int) -> bytes:
    """The case of this number: the same on every machine."""
    return target.draw(Random(f"{seed}:{target.name}:{number}"))


def run(target: Target, seed: int, bounds: Bounds) -> tuple[int, Failure | None]:
    """Try cases from number 0 on; how many, and the first that failed."""
    ends_at = time.monotonic() + bounds.seconds
    for number in range(bounds.cases):
        if time.monotonic() >= ends_at:
            return number, None
        case = draw(target, seed, number)
        if fault := fault_of(target, case):
            smaller = shrunk(target, case, fault)
            return number + 1, Failure(target.name, seed, number, case, smaller, fault)
    return bounds.cases, None


def fault_of(target: Target, case: bytes) -> Exception | None:
    """What was wrong when the case was tried."""
    try:
        target.check(case)
    except Exception as fault:  # noqa: BLE001 - whatever comes out is what is looked for
        return fault
    return None


def shrunk(target: Target, case: bytes, fault: Exception) -> bytes:
    """A part of `case` that fails with the same kind of fault, after bounded tries and time."""
    ends_at = time.monotonic() + _SHRINK_S
    size, tries = len(case) // 2, _SHRINK_TRIES
    while size:
        for start in range(0, len(case), size):
            if not tries or time.monotonic() >= ends_at:
                return case
            tries -= 1
            less = case[:start] + case[start + size :]
            if type(fault_of(target, less)) is type(fault):
                case = less
                break
        else:
            size //= 2
    return case
