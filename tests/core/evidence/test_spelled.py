import pytest

from proxy.core.evidence.spelled import spelled_at
from proxy.core.evidence.tokens import tokenize
from proxy.core.evidence.units import ARTICLE, ORDINAL


@pytest.mark.parametrize(
    ("text", "at", "value", "unit", "is_sure"),
    [
        ("three months", 0, "3", None, True),
        ("twenty-one", 0, "21", None, True),
        ("dreimonatige Frist", 0, "3", "month", True),
        ("zwölfmonatiger Vertrag", 0, "12", "month", True),
        ("einundzwanzigtägige Frist", 0, "21", "day", True),
        ("third quarter", 0, "3", ORDINAL, True),
        ("third party", 0, "3", ORDINAL, False),
        ("second opinion", 0, "2", ORDINAL, False),
        ("one of them", 0, "1", None, False),
        ("ein Monat", 0, "1", ARTICLE, False),
        ("half of them", 0, "0.5", None, True),
        ("first half of the year", 1, "0.5", None, False),
        ("die Hälfte", 1, "0.5", None, True),
        ("twice", 0, "2", None, False),
    ],
)
def test_a_number_in_words_is_read(
    text: str, at: int, value: str, unit: str | None, *, is_sure: bool
) -> None:
    spelled = spelled_at(text, tokenize(text), at)
    assert spelled
    assert (spelled.value, spelled.unit, spelled.is_sure) == (value, unit, is_sure)


@pytest.mark.parametrize("word", ["tenant", "threemonatig", "zwanzigtausendjährig"])
def test_other_words_are_no_numbers(word: str) -> None:
    assert spelled_at(word, tokenize(word), 0) is None
