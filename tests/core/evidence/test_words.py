import pytest

from proxy.core.evidence.tokens import tokenize
from proxy.core.evidence.words import NAME_WEIGHT, NUMBER_WEIGHT, Word, stem, words_of


def words(text: str) -> list[Word]:
    return words_of(text, tokenize(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("records", "recorded"),
        ("termination", "terminated"),
        ("stores", "storing"),
        ("kundigung", "gekundigt"),
        ("mietvertrag", "mietvertrags"),
        ("autorise", "autorisee"),
        ("devoluciones", "devolucion"),
        ("versato", "versata"),
    ],
)
def test_forms_of_a_word_have_one_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


def test_other_words_have_other_stems() -> None:
    assert len({stem(each) for each in ("rent", "tenant", "deposit", "notice", "vermieter")}) == 5


def test_numbers_weigh_most_names_more_and_stop_words_nothing() -> None:
    weights = {
        each.token.text: each.weight for each in words("The rent of Berlin is 1,234.50 or three")
    }
    assert weights["1,234.50"] == weights["three"] == NUMBER_WEIGHT
    assert weights["Berlin"] == NAME_WEIGHT
    assert weights["rent"] == 1.0
    assert weights["The"] == weights["or"] == 0.0


def test_one_number_has_one_key() -> None:
    keys = {words(text)[0].key for text in ("1,234.50", "1.234,5", "1 234,5")}
    assert keys == {"1234.5"}
    assert words("three")[0].key == words("3")[0].key


def test_a_comma_begins_a_clause() -> None:
    assert [each.clause for each in words_of("a, b c", tokenize("a, b c"), 5)] == [5, 6, 6]


def test_signs_without_spaces_are_compared_in_pairs() -> None:
    assert [each.key for each in words("東京都")] == ["東京", "京都", "都"]
