import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sandbox.scaleway import tokens


@given(st.text())
def test_the_pieces_of_a_text_are_the_text(text: str) -> None:
    assert "".join(tokens.pieces(text)) == text


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("one", ["one"]),
        ("one  two\nthree", ["one", "  two", "\nthree"]),
        (" one two ", [" one", " two "]),
        (" \n", [" \n"]),
    ],
)
def test_a_token_is_a_word_with_the_space_before_it(text: str, pieces: list[str]) -> None:
    assert tokens.pieces(text) == pieces
    assert tokens.count(text) == len(pieces)


def test_a_cut_keeps_the_first_tokens_and_says_so() -> None:
    assert tokens.cut("one two three", 2) == ("one two", True)


@pytest.mark.parametrize("budget", [None, 3, 4])
def test_nothing_is_cut_within_the_budget(budget: int | None) -> None:
    assert tokens.cut("one two three", budget) == ("one two three", False)


def test_an_empty_text_fits_an_empty_budget() -> None:
    assert tokens.cut("", 0) == ("", False)
