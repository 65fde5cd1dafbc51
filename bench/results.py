"""The measurements: values by metric and subject, and what could not be measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.stats import median
from bench.subjects import Subject


@dataclass(frozen=True, slots=True)
class Void:
    """A run that does not count."""

    run: str
    subject: Subject
    reason: str

    def describe(self) -> str:
        return f"{self.run}, {self.subject.name}: {self.reason}"


@dataclass(slots=True)
class Results:
    _values: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    """The subjects that were not measured at all, and why."""
    void: list[Void] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    """How much of a core other processes of the machine used, by run."""

    def add(self, metric: str, subject: str, value: float) -> None:
        self._values.setdefault((metric, subject), []).append(value)

    def of(self, metric: str, subject: str) -> float | None:
        """The median of all runs; None if there was none."""
        values = self.all(metric, subject)
        return median(values) if values else None

    def all(self, metric: str, subject: str) -> Sequence[float]:
        return self._values.get((metric, subject), ())
