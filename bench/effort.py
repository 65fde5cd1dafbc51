"""How much is measured: which scripts, how many streams, how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bench import metrics
from bench.script import Script

WARM_UP: Final = Script(chunks=8)
ANSWER: Final = Script(chunks=103)
HELD: Final = Script(chunks=8, held=True)
ALONE: Final = Script(chunks=23, gap_s=0.020, first_s=0.300, search_s=0.200)
"""The speed of a model that writes 50 tokens a second."""


@dataclass(frozen=True, slots=True)
class Level:
    """A number of streams, their speed, and how many follow each other."""

    streams: int
    gap_ms: int
    rounds: int
    in_step: bool = False
    """All streams begin at the same instant, so the chunks of all arrive together."""
    over_https: bool = False
    """Also measure it with https upstreams. At every level, a run would take half as long again."""

    @property
    def name(self) -> str:
        return metrics.level(self.streams, in_step=self.in_step)

    @property
    def script(self) -> Script:
        return Script(chunks=103, gap_s=self.gap_ms / 1000)


IN_STEP: Final = Level(64, 5, 3, in_step=True)
LEVELS: Final = (
    Level(1, 5, 6, over_https=True),
    Level(32, 5, 3),
    Level(64, 5, 3, over_https=True),
    IN_STEP,
    Level(256, 20, 1),
)
WIDEST: Final = Level(1000, 80, 1, over_https=True)
"""As many chunks a second as at 64 and 256 streams, so it shows the cost of an open stream."""

_SCRIPTS: Final = (
    WARM_UP,
    ANSWER,
    HELD,
    ALONE,
    *(level.script for level in (*LEVELS, WIDEST)),
)
MODELS: Final = tuple(dict.fromkeys(script.model for script in _SCRIPTS))
"""All scripts that the benchmark asks for: some gateways must know their models beforehand."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    repeats: int
    answers_s: float
    levels: tuple[Level, ...]
    widest: bool
    alone: int
    """Answers of each kind in the comparison with the guide's loop."""


FULL: Final = Effort(repeats=3, answers_s=3.0, levels=LEVELS, widest=True, alone=5)
QUICK: Final = Effort(
    repeats=1,
    answers_s=1.5,
    levels=(Level(1, 5, 4, over_https=True), Level(64, 5, 1, over_https=True)),
    widest=False,
    alone=2,
)
