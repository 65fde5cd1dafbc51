"""The scope of another search vendor, to show what the core knows of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from proxy.core.scope import any_of, lowest


@dataclass(frozen=True, slots=True)
class Shelves:
    """A library's scope: its shelves, and how many books one search may bring."""

    shelf: tuple[str, ...] | None = None
    most: int | None = None

    def narrow(self, other: Shelves) -> Shelves:
        return Shelves(any_of("shelf", self.shelf, other.shelf), lowest(self.most, other.most))

    @property
    def results_limit(self) -> int:
        return self.most or 50

    @property
    def results_default(self) -> int:
        return self.most or 5

    @property
    def identity(self) -> Mapping[str, object]:
        return asdict(self)

    @property
    def summary(self) -> str:
        return f"shelves {', '.join(self.shelf or ())}"
