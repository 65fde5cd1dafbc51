"""Values by metric and subject."""

from bench.results import Results, Void
from bench.subjects import Subject


def test_a_value_is_the_median_of_its_runs() -> None:
    results = Results()
    for value in (3.0, 1.0, 90.0):
        results.add("cpu", "proxy", value)
    assert results.of("cpu", "proxy") == 3.0
    assert list(results.all("cpu", "proxy")) == [3.0, 1.0, 90.0]


def test_what_was_not_measured_is_none() -> None:
    assert Results().of("cpu", "proxy") is None


def test_a_void_run_says_what_and_why() -> None:
    void = Void("answers 1", Subject("peer", "peer"), "text differs")
    assert void.describe() == "answers 1, peer: text differs"
