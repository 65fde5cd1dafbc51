import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.evidence.answer import plain, read_answer
from tests.support.steps import MOST_BETWEEN_PAUSES, at_once, most_between_pauses


def cited_sentence(text: str, start: int, end: int) -> str:
    answer = at_once(read_answer(text, [(start, end)]))
    span = answer.sentence_at(start)
    return "" if span is None else answer.plain(span)


def cited(text: str) -> list[str]:
    """The sentence of each marker, in their order."""
    return [cited_sentence(text, *each.span()) for each in re.finditer(r"\[\d\](?!\()", text)]


def parts(text: str) -> list[str]:
    places = [each.span() for each in re.finditer(r"\[\d\]", text)]
    answer = at_once(read_answer(text, places))
    found = [answer.part_at(start) for start, _ in places]
    return [answer.plain(each) for each in found if each]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("The term is long [1]. Rent is 500 € [2].", ["The term is long.", "Rent is 500 €."]),
        ("The term is long. [1] Rent is due.[2]", ["The term is long.", "Rent is due."]),
        ("The term is long [1][2].", ["The term is long.", "The term is long."]),
        ("According to [1], the term is long.", ["According to, the term is long."]),
        ("- **Term:** three months [1]\n- Rent [2]", ["Term: three months", "Rent"]),
        ("1. The term [1]\n2. The rent. It is due [2].", ["The term", "It is due."]),
        ("| a | b [1] |\n|---|---|\n| c | d [2] |", ["a b", "c d"]),
        ("Am 3. Mai gilt z. B. p. 4 [1]. Dann.", ["Am 3. Mai gilt z. B. p. 4."]),
        ("[1] The term is long.", ["The term is long."]),
        ("The term.\n[1] The rent is due.", ["The rent is due."]),
        ("The term is long.\n[1]\n\nRent.", ["The term is long."]),
        (
            "The `term` of [it](https://x.example/a) is <b>long</b> [1].",
            ["The term of it is long."],
        ),
        ("Keep snake_case and _this_ [1].", ["Keep snake_case and this."]),
        ("東京は首都です[1]。次。", ["東京は首都です。"]),
        ("[1]", [""]),
    ],
)
def test_a_marker_is_cited_for_the_sentence_around_or_before_it(
    text: str, sentences: list[str]
) -> None:
    assert cited(text) == sentences


def test_a_marker_of_any_form_may_be_given() -> None:
    text = "The term is long (see source A). Rent."
    assert cited_sentence(text, 17, 31) == "The term is long."


def test_markers_within_a_sentence_share_it() -> None:
    text = "Rent is 500 € a month [1] and the deposit is 900 € [2], paid once."
    assert parts(text) == ["Rent is 500 € a month", "and the deposit is 900 €, paid once."]


def test_a_part_of_few_words_is_the_whole_sentence() -> None:
    assert (
        parts("The rent is due on Monday [1] or so [2].")[1] == "The rent is due on Monday or so."
    )


def test_an_answer_without_words_has_no_sentence() -> None:
    answer = at_once(read_answer("[1]", [(0, 3)]))
    assert answer.sentence_at(0) is None
    assert answer.part_at(0) is None


def test_a_marker_that_nobody_asks_for_is_no_part_of_the_sentence() -> None:
    text = "The term [2] is long 【3†x】 [1]."
    start = text.index("[1]")
    assert cited_sentence(text, start, start + 3) == "The term is long."


def test_what_stands_far_away_makes_no_difference() -> None:
    near = "The term is long.\n[1]\n"
    far = "Far away. " * 500
    text = far + "\n\n" + near + far + near
    places = [each.span() for each in re.finditer(r"\[1\]", text)]
    answer = at_once(read_answer(text, places))
    found = [answer.sentence_at(start) for start, _ in places]
    assert [each and answer.plain(each) for each in found] == ["The term is long."] * 2


def test_a_sentence_without_end_is_read_as_far_as_it_may_reach() -> None:
    text = "word " * 1_000 + "[1]" + " more" * 1_000
    assert 300 < len(cited_sentence(text, 5_000, 5_003)) <= 600


@pytest.mark.parametrize("unit", ["\n", ". ", "z. B. ", "12. a ", "a.\n"])
def test_a_long_answer_is_read_with_pauses(unit: str) -> None:
    text = (unit * 100 + "So it is [1]. ") * 100
    places = [each.span() for each in re.finditer(r"\[1\]", text)]
    assert most_between_pauses(read_answer(text, places)) < MOST_BETWEEN_PAUSES


@given(st.text(alphabet="aB1 .!|*-\n[]_`(", max_size=80), st.data())
def test_any_text_has_a_sentence_at_any_place(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert "\n" not in cited_sentence(text, start, end)


def test_plain_text_stays() -> None:
    assert plain("The rent is 500 € (5 * 100).") == "The rent is 500 € (5 100)."
    assert plain("Rent: 500 €") == "Rent: 500 €"
