import pytest

from proxy.core.text.markers import Bracket
from proxy.core.text.sure import can_be_taken_out, is_made_up, stays

ONE = Bracket(0, (1,), "square", "1")
TWO = Bracket(0, (1, 2), "square", "1, 2")


@pytest.mark.parametrize(
    "before",
    [
        *("three months", "Three months", "LightOn", "OpenAI", "2024", "CO2", "Q3", "COVID-19"),
        *("the tenant's", "l’e", "10 m", "5\u202fm", "Schedule A", "X", "_days_", "_three days_"),
        *(
            "iPhone",
            "the eBay",
            "é",
            "”",
            ".",
            ")",
            "**",
            "`code`",
            "",
            "\n",
            "]",
            "est\u00a0",
            "文書",
        ),
    ],
)
def test_a_marker_may_stand_right_after_a_word(before: str) -> None:
    assert not stays(ONE, before, "", ". ", begins_line=False)


@pytest.mark.parametrize(
    "before",
    [
        *("a", "x", "foo_bar", "$v", "x2", "myArray", "self.items", "{", "x_", "a^", "x_{"),
        *("a x", "x =a", "\\sqrt", "see \\item", "x \\cite", "∈", "$", "a-b"),
    ],
)
def test_an_index_stays(before: str) -> None:
    assert stays(ONE, before, "", " +", begins_line=False)
    assert not stays(ONE, f"{before} is so", " ", ". ", begins_line=False)


@pytest.mark.parametrize("after", ["= ", " =", "==", "(x", ".f", "._"])
def test_what_follows_may_tell_an_index(after: str) -> None:
    assert stays(ONE, "items", "", after, begins_line=False)
    assert not stays(ONE, "items", " ", after, begins_line=False)


@pytest.mark.parametrize("after", [". ", ".L", ", ", "; ", "", "\n"])
def test_the_end_of_a_sentence_tells_none(after: str) -> None:
    assert not stays(ONE, "items", "", after, begins_line=False)


@pytest.mark.parametrize(
    ("before", "space"),
    [('{"ids":', " "), ('"ids" :', " "), ('"ids":', ""), ("x =", " "), ("x=", "")],
)
def test_a_list_in_data_stays(before: str, space: str) -> None:
    assert stays(TWO, before, space, "}", begins_line=False)
    assert not stays(TWO, "see:", " ", "}", begins_line=False)


def test_an_interval_stays() -> None:
    for before, space in (("$a \\in", " "), ("x ∈", " "), ("x ∈", "")):
        assert stays(TWO, before, space, "$", begins_line=False)
    assert not stays(TWO, "x in", " ", " ", begins_line=False)


def test_what_an_argument_follows_stays() -> None:
    assert stays(ONE, "x", " ", "{y", begins_line=False)


def test_a_matrix_stays() -> None:
    assert stays(TWO, "[", "", ", ", begins_line=False)
    assert stays(TWO, "[[1, 2],", " ", "],", begins_line=False)
    assert stays(TWO, "[[1,2],\n", " ", "],", begins_line=False)
    assert not stays(ONE, "[[1, 2],", " ", "],", begins_line=False)
    assert not stays(TWO, "[[1][2],", " ", "],", begins_line=False)
    assert not stays(ONE, "[", "", ", ", begins_line=False)


def test_headings_and_footnotes_stay() -> None:
    heading = Bracket(0, (1,), "lenticular", "1")
    footnote = Bracket(0, (1,), "square", "^1")
    assert stays(heading, "", "", " x", begins_line=True)
    assert not stays(heading, "word", "", " x", begins_line=False)
    assert stays(footnote, "", "", ": ", begins_line=True)
    assert not stays(footnote, "", "", " :", begins_line=True)


@pytest.mark.parametrize(
    "before", ["word", "2024", "end.", "end)", "“end”", "**end**", "»", "終わり。"]
)
def test_made_up_numbers_go_where_a_citation_may_stand(before: str) -> None:
    assert can_be_taken_out([9], before, 5)
    assert can_be_taken_out([1, 25], before, 5)


@pytest.mark.parametrize("before", ["", "\n", " ", "(", "[", "-", "=", "#", "→"])
def test_they_stay_elsewhere(before: str) -> None:
    assert not can_be_taken_out([9], before, 5)


@pytest.mark.parametrize("unknown", [[0], [26], [2024], [9, 26], [0, 9]])
def test_numbers_far_from_those_of_passages_stay(unknown: list[int]) -> None:
    assert not can_be_taken_out(unknown, "word", 5)


def test_made_up_numbers_lie_not_far_above_those_shown() -> None:
    assert is_made_up([], 5)
    assert is_made_up([6, 25], 5)
    assert not is_made_up([26], 5)
