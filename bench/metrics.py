"""What the benchmark measures: the names of values, and the rows of the table that show them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from bench.results import Results

SHARES: Final = (50, 99)
"""The percentiles to show of values that vary from token to token."""
LEVELS: Final = ((1, False), (32, False), (64, False), (64, True), (256, False), (1000, False))
"""How many streams are open at the same time, and whether in step."""

DIRECT: Final = "direct"
"""The subject without a server. Others are compared with it."""

CPU_ANSWER: Final = "cpu_answer"
CPU_HOP: Final = "cpu_hop"
ANSWERS: Final = "answers"
MEMORY: Final = "memory"
START: Final = "start"
IDLE: Final = "idle"
ONE_WORKER: Final = "one_worker"
TWO_WORKERS: Final = "two_workers"
GUIDE_FIRST: Final = "guide_first"
TOOL_FIRST: Final = "tool_first"
HYBRID_FIRST: Final = "hybrid_first"


def level(streams: int, *, in_step: bool = False) -> str:
    """The name for so many streams at the same time."""
    return f"{streams} stream" + ("s" if streams > 1 else "") + (" in step" if in_step else "")


def cpu_chunk(at: str) -> str:
    """`at` is a level, here and below."""
    return f"cpu_chunk@{at}"


def first_token(share: int, at: str) -> str:
    return f"first_p{share}@{at}"


def gap(share: int, at: str) -> str:
    return f"gap_p{share}@{at}"


def busy(load: str) -> tuple[str, str, str]:
    """How much of their cores server, client and upstream use under a load."""
    return f"busy_server@{load}", f"busy_client@{load}", f"busy_upstream@{load}"


def cores_of(workers: str) -> str:
    """How many cores so many workers had to themselves, on average."""
    return f"cores@{workers}"


class Over(Enum):
    """The form in which the table shows a value."""

    NOTHING = "itself"
    DIRECT = "over direct"
    DELAYS = "over the delays of the upstream; where there is no loop, over direct"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: one value or several, each times `scale` to be in `unit`."""

    title: str
    unit: str
    scale: float
    digits: int
    keys: tuple[str, ...]
    over: Over = Over.NOTHING
    compared: bool = False
    """Whether the ratio of two subjects means anything."""


def value_over(
    results: Results, key: str, subject: str, over: Over, *, loops: bool
) -> float | None:
    """A median in the form for the table. Values of direct stay: the others' are over them."""
    value = results.of(key, subject)
    if value is None or over is Over.NOTHING or subject == DIRECT:
        return value
    if over is Over.DELAYS and loops:
        return value
    base = results.of(key, DIRECT)
    return None if base is None else value - base


def _of_level(at: str) -> tuple[Row, ...]:
    firsts = tuple(first_token(share, at) for share in SHARES)
    gaps = tuple(gap(share, at) for share in SHARES)
    return (
        Row(f"{at}: CPU per chunk", "µs", 1e6, 1, (cpu_chunk(at),), compared=True),
        Row(f"{at}: first token added, p50 / p99", "ms", 1e3, 2, firsts, Over.DELAYS),
        Row(f"{at}: gap added, p50 / p99", "ms", 1e3, 2, gaps, Over.DIRECT),
        _busy(at),
    )


def _busy(load: str) -> Row:
    return Row(f"{load}: busy server / client / upstream", "%", 100, 0, busy(load))


ROWS: Final = (
    Row("CPU per answer", "µs", 1e6, 0, (CPU_ANSWER,), compared=True),
    Row("CPU per upstream request of an answer", "µs", 1e6, 0, (CPU_HOP,), compared=True),
    Row("answers a second", "", 1, 0, (ANSWERS,), compared=True),
    _busy(ANSWERS),
    *(row for streams, in_step in LEVELS for row in _of_level(level(streams, in_step=in_step))),
    Row("memory per open stream, 1000 open", "kB", 1e-3, 1, (MEMORY,), compared=True),
    Row("start to first answer", "s", 1, 2, (START,), compared=True),
    Row("idle memory", "MB", 1e-6, 0, (IDLE,), compared=True),
    Row("answers a second, 1 / 2 workers on both cores", "", 1, 0, (ONE_WORKER, TWO_WORKERS)),
    Row("cores they had, 1 / 2 workers", "", 1, 2, (cores_of(ONE_WORKER), cores_of(TWO_WORKERS))),
    Row("first answer token, alone: guide's loop", "ms", 1e3, 0, (GUIDE_FIRST,)),
    Row("first answer token, alone: tool / hybrid", "ms", 1e3, 0, (TOOL_FIRST, HYBRID_FIRST)),
)
