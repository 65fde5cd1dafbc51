from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.steps import check_linear, steps_of

HERE = str(Path(__file__).parent)


def joined_once(size: int) -> Callable[[], object]:
    pieces = ["x" * 100] * size
    return lambda: "".join([*pieces])


def loop(size: int) -> Callable[[], object]:
    def work() -> None:
        for _ in range(size):
            pass

    return work


def loop_in_loop(size: int) -> Callable[[], object]:
    def work() -> None:
        for _ in range(size):
            for _ in range(size):
                pass

    return work


def comprehension_in_comprehension(size: int) -> Callable[[], object]:
    return lambda: all(any(b > size for b in range(size)) or a < size for a in range(size))


def joined_again_and_again(size: int) -> Callable[[], object]:
    def work() -> None:
        text = {"all": ""}
        for _ in range(size):
            text["all"] = f"{text['all']}{'x' * 100}"

    return work


def copied_again_and_again(size: int) -> Callable[[], object]:
    def work() -> None:
        known: list[int] = []
        for _ in range(size):
            known = [*known, 1]

    return work


def counted_again_and_again(size: int) -> Callable[[], object]:
    names = ["x"] * size
    return lambda: [names.count(name) for name in names]


def sought_again_and_again(size: int) -> Callable[[], object]:
    text = "x" * 100 * size
    return lambda: [text.find("y") for _ in range(size)]


@pytest.mark.parametrize("work", [joined_once, loop])
def test_work_that_grows_as_its_input_passes(work: Callable[[int], Callable[[], object]]) -> None:
    check_linear(work, size=100, folder=HERE)


@pytest.mark.parametrize(
    "work",
    [
        loop_in_loop,
        comprehension_in_comprehension,
        joined_again_and_again,
        copied_again_and_again,
        counted_again_and_again,
        sought_again_and_again,
    ],
)
def test_work_that_grows_faster_than_its_input_fails(
    work: Callable[[int], Callable[[], object]],
) -> None:
    with pytest.raises(AssertionError, match="steps for 100, but"):
        check_linear(work, size=100, folder=HERE)


def test_work_that_does_not_happen_in_the_folder_fails() -> None:
    with pytest.raises(AssertionError, match="only 0 steps"):
        check_linear(loop, size=100)


def test_the_same_work_is_as_many_steps_each_time() -> None:
    work = joined_again_and_again(50)
    steps_of(work, folder=HERE)
    assert steps_of(work, folder=HERE) == steps_of(work, folder=HERE)
