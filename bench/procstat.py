"""What processes use, and which machine they run on, read from the kernel without a library."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_OF_PROCESS: Final = 2
"""Marks a clock of the kernel as the CPU time of a process with all its threads."""
_PID_SHIFT: Final = 3
_PPID_AFTER_NAME: Final = 1
_RSS_FIELD: Final = 1
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_STAT_FIELDS: Final = 8
"""The fields of /proc/stat up to steal. Those after it are part of others."""
_STAT_IDLE: Final = (3, 4)


def tree(root: int, proc: Path = PROC) -> tuple[int, ...]:
    """A process and all its descendants."""
    children: dict[int, list[int]] = {}
    for folder in proc.iterdir():
        if folder.name.isdecimal() and (parent := _parent(folder)) is not None:
            children.setdefault(parent, []).append(int(folder.name))
    found = [root]
    for pid in found:  # it grows during the walk
        found.extend(children.get(pid, ()))
    return tuple(found)


def cpu_seconds(pids: Iterable[int]) -> dict[int, float]:
    """User and system time of each process so far, including threads that have ended.

    The kernel's clock of a process has the same sum as /proc, in nanoseconds instead of hundredths
    of a second.
    """
    used = {}
    for pid in pids:
        try:
            used[pid] = time.clock_gettime((~pid << _PID_SHIFT) | _OF_PROCESS)
        except OSError:
            continue  # it has ended
    return used


def cpu_between(before: dict[int, float], after: dict[int, float]) -> float:
    """The seconds that the processes in `after` have used. A new process counts whole."""
    return sum(used - before.get(pid, 0.0) for pid, used in after.items())


def busy_seconds(proc: Path = PROC) -> float:
    """CPU time of everybody so far, on all cores, including what the host took away."""
    first = (proc / "stat").read_text().splitlines()[0]
    ticks = [int(field) for field in first.split()[1:]]
    return (sum(ticks[:_STAT_FIELDS]) - sum(ticks[each] for each in _STAT_IDLE)) / _TICKS


def resident_bytes(pids: Iterable[int], proc: Path = PROC) -> int:
    """The processes' memory in RAM. Shared memory counts for each."""
    total = 0
    for pid in pids:
        try:
            fields = (proc / str(pid) / "statm").read_text().split()
        except OSError:
            continue  # it has ended
        total += int(fields[_RSS_FIELD]) * _PAGE
    return total


@dataclass(frozen=True, slots=True)
class Machine:
    cpu: str
    cores: int
    memory_gib: float
    kernel: str

    def describe(self) -> str:
        return (
            f"{self.cpu}, {self.cores} cores, {self.memory_gib:.0f} GiB of memory, "
            f"Linux {self.kernel}"
        )


def machine(proc: Path = PROC) -> Machine:
    """This machine."""
    names = [
        line.partition(":")[2].strip()
        for line in (proc / "cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory_kib = next(
        int(line.split()[1])
        for line in (proc / "meminfo").read_text().splitlines()
        if line.startswith("MemTotal:")
    )
    return Machine(
        cpu=names[0] if names else platform.machine(),
        cores=os.cpu_count() or 1,
        memory_gib=memory_kib / 1024**2,
        kernel=platform.release(),
    )


def _parent(folder: Path) -> int | None:
    try:
        stat = (folder / "stat").read_text()
    except OSError:
        return None  # it has ended
    return int(stat.rpartition(")")[2].split()[_PPID_AFTER_NAME])
