"""What a process holds, and whether it gave back what it took. It needs no debugger.

The kernel tells of descriptors, sockets and memory. Tasks of the event loop are known only to the
process itself: the soaked one tells them (`tests.soak.hooked`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.procstat import PROC, resident_bytes

MEMORY_SLACK: Final = 16 * 1024**2
"""How many bytes of memory may be more. An allocator keeps what was used once, in pieces."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What a process holds at one moment. Its question about tasks takes part in it."""

    descriptors: int
    sockets: int
    tasks: int
    memory: int

    def __str__(self) -> str:
        return (
            f"{self.descriptors} descriptors, {self.sockets} sockets, {self.tasks} tasks, "
            f"{self.memory / 1024**2:.1f} MiB"
        )


def measured(pid: int, tasks: int, proc: Path = PROC) -> Measures:
    links = _links(proc / str(pid) / "fd")
    sockets = sum(link.startswith("socket:") for link in links)
    return Measures(len(links), sockets, tasks, resident_bytes([pid], proc))


def kept(before: Measures, after: Measures) -> tuple[str, ...]:
    """What the process did not give back."""
    counted = ("descriptors", "sockets", "tasks")
    more = [
        f"{name}: {getattr(after, name)} after {getattr(before, name)}"
        for name in counted
        if getattr(after, name) > getattr(before, name)
    ]
    if after.memory > before.memory + MEMORY_SLACK:
        grown = (after.memory - before.memory) / 1024**2
        more.append(f"memory: {grown:.1f} MiB more, where {MEMORY_SLACK // 1024**2} may be")
    return tuple(more)


def _links(folder: Path) -> Sequence[str]:
    found = []
    for each in folder.iterdir():
        try:
            found.append(os.readlink(each))  # noqa: PTH115 - a link of /proc leads to no path
        except FileNotFoundError:
            continue  # closed meanwhile
    return found
