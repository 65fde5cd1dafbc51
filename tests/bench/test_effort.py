"""How much is measured."""

from bench.effort import FULL, IN_STEP, MODELS, QUICK, WIDEST, Level
from bench.script import find_script


def test_all_levels_have_a_row_and_a_model_of_their_own_pace() -> None:
    for level in (*FULL.levels, *QUICK.levels, IN_STEP, WIDEST):
        assert level.script.model in MODELS
        assert find_script(level.script.model) == level.script


def test_as_many_chunks_a_second_come_at_64_streams_as_at_1000() -> None:
    rates = {level.streams / level.gap_ms for level in (*FULL.levels, WIDEST)}
    assert {64 / 5, 256 / 20, 1000 / 80}.issubset(rates)


def test_streams_in_step_are_told_apart() -> None:
    assert Level(64, 5, 3).name != IN_STEP.name


def test_the_quick_run_is_the_lesser_one() -> None:
    assert QUICK.repeats < FULL.repeats
    assert len(QUICK.levels) < len(FULL.levels)
