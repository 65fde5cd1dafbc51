"""The command, and a short soak of a real process."""

import math
from collections import Counter
from typing import Final

import pytest
from click.testing import CliRunner

from tests.soak import __main__ as command
from tests.soak import process, run
from tests.soak.measures import Measures
from tests.soak.run import Bounds, Outcome

WITHOUT_STALLS: Final = 23
"""A seed whose first streams meet seven kinds of faults, and no upstream that falls silent."""


def soaked(monkeypatch: pytest.MonkeyPatch, outcome: Outcome, *arguments: str) -> tuple[int, str]:
    """What the command makes of this outcome."""

    async def soak(seed: int, bounds: Bounds, only: tuple[int, ...]) -> Outcome:
        outcome.skipped = seed + bounds.streams + sum(only)
        return outcome

    monkeypatch.setattr(command, "soak", soak)
    done = CliRunner().invoke(command.main, ["--seed", "5", *arguments])
    return done.exit_code, done.output


def whole() -> Outcome:
    return Outcome(
        ended={"with faults": Counter({"answered": 9, "502 upstream_error": 1})},
        faults=Counter({"model drop": 2}),
        retries=3,
        slowest={"alone": 0.5, "beside the crowd": 0.75},
        measures={"before": Measures(1, 2, 3, 4 * 1024**2)},
        most_at_once=20,
    )


def test_it_prints_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = soaked(monkeypatch, whole(), "--streams", "10", "--only", "7")
    lines = said.splitlines()
    assert code == 0
    assert lines[:7] == [
        "seed 5",
        "with faults: 9 answered, 1 502 upstream_error",
        "not begun, as the time was up: 22",
        "faults of the upstreams: 2 model drop",
        "retries that answers tell of: 3",
        "slowest answer of the quiet key: 0.50 s alone, 0.75 s beside the crowd",
        lines[6],
    ]
    assert lines[6].startswith("crowd at the model: 20 at once, 0 beyond its slots")
    assert lines[7:9] == ["held before: 1 descriptors, 2 sockets, 3 tasks, 4.0 MiB", "ok"]


def test_what_is_wrong_ends_it_with_1_and_can_be_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outcome = whole()
    outcome.wrong = [f"stream {n}" for n in range(22)]
    code, said = soaked(monkeypatch, outcome)
    assert code == 1
    assert "WRONG: stream 19\n... and 2 more\nWRONG\n" in said
    assert 'Try it again: make soak ARGS="--seed 5"' in said


@pytest.mark.long
async def test_a_short_soak_of_a_real_process_finds_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "_ALONE", 1)
    # A busy machine is no fault: neither how long an answer takes, nor that an upstream is slow.
    monkeypatch.setattr(run, "_TIMES_SLOWER", math.inf)
    monkeypatch.setattr(process, "STALL_S", 60)
    bounds = Bounds(streams=10, at_once=10, crowd=5, slots=6, idle_s=0.5)
    outcome = await run.soak(WITHOUT_STALLS, bounds)
    assert outcome.wrong == []
    assert outcome.ended["crowd"] == {"answered": 5}
    assert outcome.ended["with faults"].total() == 10
