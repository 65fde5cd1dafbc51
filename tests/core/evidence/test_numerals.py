import pytest

from proxy.core.evidence.numerals import (
    ARTICLES,
    GERMAN,
    HALVES,
    LOOSE,
    NUMBERS,
    ORDINALS,
    SURE_HALVES,
    UNSURE,
)
from proxy.core.evidence.tokens import fold


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("three", 3),
        ("deux", 2),
        ("zwölf", 12),
        ("doce", 12),
        ("dodici", 12),
        ("twenty-one", 21),
        ("vingt-cinq", 25),
        ("dreiunddreissig", 33),
        ("veinticinco", 25),
        ("zweihundert", 200),
        ("duemila", 2_000),
        ("neunzig", 90),
    ],
)
def test_words_have_their_value(word: str, value: int) -> None:
    assert NUMBERS[fold(word)] == value


@pytest.mark.parametrize("word", ["twenty-deux", "zweiundtwenty", "twoundzwanzig", "veintidue"])
def test_no_number_is_of_two_languages(word: str) -> None:
    assert word not in NUMBERS


def test_german_joins_all_numbers_below_100() -> None:
    assert set(GERMAN.values()) == set(range(1, 100))


def test_ordinals_have_their_value() -> None:
    assert (ORDINALS["third"], ORDINALS["troisieme"], ORDINALS["zweiten"]) == (3, 3, 2)


def test_all_words_are_folded() -> None:
    words = [*NUMBERS, *ORDINALS, *LOOSE, *ARTICLES, *HALVES, *SURE_HALVES, *UNSURE]
    assert [each for each in words if fold(each) != each] == []


def test_articles_are_unsure() -> None:
    assert ARTICLES <= UNSURE
