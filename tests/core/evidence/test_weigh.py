import re
from collections.abc import Callable

import pytest

from proxy.core.evidence.bearing import Source
from proxy.core.evidence.weigh import Finding, Mark, weigh
from tests.evidence.speed import long_answer
from tests.support.steps import MOST_BETWEEN_PAUSES, at_once, check_linear, most_between_pauses

RENT = Source("The rent is 500 euros a month.")
DEPOSIT = Source("The deposit is 900 euros, paid once.")


def marks_of(text: str) -> list[Mark]:
    return [Mark(*each.span(), passage=int(each[1])) for each in re.finditer(r"\[(\d+)\]", text)]


def findings(text: str, *sources: Source) -> list[Finding]:
    return at_once(weigh(text, marks_of(text), dict(enumerate(sources, 1))))


def test_each_marker_stands_on_its_passage() -> None:
    text = "The rent is 500 euros a month [1]. A deposit of 900 € is paid once [2]."
    assert findings(text, RENT, DEPOSIT) == [
        ("The rent is 500 euros a month.", "exact", ()),
        ("The deposit is 900 euros, paid once.", "close", ()),
    ]


def test_two_markers_share_a_sentence_each_with_its_part() -> None:
    text = "The rent is 500 euros a month [1], and the deposit is 900 euros [2]."
    assert [each.support for each in findings(text, RENT, DEPOSIT)] == ["exact", "close"]


def test_a_figure_is_missing_where_it_is_said() -> None:
    text = "The rent is 500 euros a month [1], and the deposit is 950 euros [2]."
    first, second = findings(text, RENT, DEPOSIT)
    assert (first.support, first.figures_missing) == ("exact", ())
    assert (second.support, second.figures_missing) == ("weak", ("950 euros",))


def test_a_figure_may_stand_in_another_passage_of_the_sentence() -> None:
    text = "The rent of 500 euros and the deposit of 900 euros are due [1][2]."
    assert [each.figures_missing for each in findings(text, RENT, DEPOSIT)] == [(), ()]


def test_a_marker_for_no_words_stands_on_nothing() -> None:
    assert findings("[1]", RENT) == [("", "none", ())]


def test_nothing_is_asked_without_marks() -> None:
    assert at_once(weigh("The rent is due.", [], {})) == []


def test_many_markers_are_weighed_with_pauses() -> None:
    assert most_between_pauses(weigh(*long_answer(300))) < MOST_BETWEEN_PAUSES


def test_the_figures_of_many_passages_of_one_sentence_are_read_with_pauses() -> None:
    passage = "The rent of 12 months is due, not before 1 March 2024. " * 70
    sources = {number: Source(f"{passage}{number}") for number in range(30)}
    text = "The rent of 13 months is due " + "".join(f"[{number}]" for number in sources)
    marks = [Mark(*each.span(), int(each[1])) for each in re.finditer(r"\[(\d+)\]", text)]
    assert most_between_pauses(weigh(text, marks, sources)) < MOST_BETWEEN_PAUSES


def answer_of(size: int) -> Callable[[], object]:
    given = long_answer(size)
    return lambda: at_once(weigh(*given))


def markers_without_end(size: int) -> Callable[[], object]:
    text = "The rent is 500 euros a month [1] " * size
    marks = marks_of(text)
    return lambda: at_once(weigh(text, marks, {1: RENT}))


def passage_of(piece: str) -> Callable[[int], Callable[[], object]]:
    return lambda size: lambda: Source(piece * size).for_sentence("About 1 of 12 months is due.")


@pytest.mark.parametrize(
    ("work_of_size", "size"),
    [
        (answer_of, 60),
        (markers_without_end, 60),
        (passage_of("The rent of 12 months is due, not before 1 March 2024. "), 20),
        (passage_of("1-1-"), 100),
        (passage_of("1 234 "), 60),
        (passage_of("not "), 200),
        (passage_of("May 1 "), 60),
        (passage_of("漢"), 200),
        (passage_of("| "), 400),
        (passage_of("\n"), 400),
    ],
)
def test_twice_the_input_takes_at_most_twice_the_steps(
    work_of_size: Callable[[int], Callable[[], object]], size: int
) -> None:
    check_linear(work_of_size, size=size)
