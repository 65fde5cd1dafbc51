"""How cases are drawn, counted and made smaller."""

from random import Random

from tests.fuzz.runner import Bounds, draw, fault_of, run, shrunk


class Picky:
    """Stands everything but a `!`, and says so in the way that it was made for."""

    name = "picky"

    def __init__(self, fault: type[Exception] = AssertionError) -> None:
        self.fault = fault
        self.tried = 0

    def draw(self, random: Random) -> bytes:
        return bytes(random.choices(b"abc!", weights=(30, 30, 30, 1), k=10))

    def check(self, case: bytes) -> None:
        self.tried += 1
        if b"!" in case:
            raise self.fault


def test_a_case_is_drawn_again_by_its_seed_and_number() -> None:
    target = Picky()
    drawn = [draw(target, seed, number) for seed in (1, 2) for number in (0, 1)]
    assert drawn == [draw(target, seed, number) for seed in (1, 2) for number in (0, 1)]
    assert len(set(drawn)) == 4


def test_the_first_case_that_fails_ends_the_run_and_is_made_smaller() -> None:
    count, failure = run(Picky(), 1, Bounds(10_000))
    assert failure
    assert count == failure.number + 1
    assert failure.case == draw(Picky(), 1, failure.number)
    assert b"!" in failure.case
    assert failure.smaller == b"!"
    assert all(b"!" not in draw(Picky(), 1, number) for number in range(failure.number))


def test_a_run_ends_with_its_cases_or_its_time() -> None:
    class Easy(Picky):
        def draw(self, random: Random) -> bytes:
            return random.randbytes(1).replace(b"!", b"")

    assert run(Easy(), 1, Bounds(50)) == (50, None)
    assert run(Easy(), 1, Bounds(50, seconds=0)) == (0, None)


def test_whatever_comes_out_is_a_fault() -> None:
    assert isinstance(fault_of(Picky(KeyError), b"!"), KeyError)
    assert fault_of(Picky(), b"a") is None


def test_making_a_case_smaller_is_bounded_and_keeps_to_the_same_kind_of_fault() -> None:
    target = Picky()
    assert shrunk(target, b"!" * 3_000, KeyError()) == b"!" * 3_000
    assert target.tried == 300
