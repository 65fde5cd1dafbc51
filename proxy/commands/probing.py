"""Trying something step by step, where each step needs the one before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal


class ProbeError(Exception):
    """A step failed. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Step:
    """`probe` returns a remark or "". Raises ProbeError."""

    name: str
    probe: Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Finding:
    verdict: Literal["ok", "FAIL", "skipped"]
    name: str
    detail: str

    def __str__(self) -> str:
        return f"{self.verdict:<8}{self.name}" + (f": {self.detail}" if self.detail else "")


async def climb(steps: Sequence[Step]) -> AsyncIterator[Finding]:
    """The outcome of each step. If one fails, the rest are skipped."""
    for number, step in enumerate(steps, start=1):
        try:
            yield Finding("ok", step.name, await step.probe())
        except ProbeError as error:
            yield Finding("FAIL", step.name, str(error))
            for skipped in steps[number:]:
                yield Finding("skipped", skipped.name, "")
            return
