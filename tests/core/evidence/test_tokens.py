import pytest

from proxy.core.evidence.tokens import between, fold, tokenize


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("It costs €1,234.50 a month.", ["It", "costs", "1,234.50", "a", "month"]),
        ("1 234,5 kg in 2023 450 times", ["1 234,5", "kg", "in", "2023", "450", "times"]),
        ("l'accord, 3.5% don't", ["l", "accord", "3.5", "don", "t"]),
        ("three-month 2024-03-01", ["three", "month", "2024", "03", "01"]),
        ("漢字 14h30", ["漢", "字", "14", "h", "30"]),
        ("½ cup", ["½", "cup"]),
        ("", []),
    ],
)
def test_words_and_numbers_are_tokens(text: str, tokens: list[str]) -> None:
    assert [each.text for each in tokenize(text)] == tokens


def test_a_token_stands_where_it_says() -> None:
    text = "Die Kündigungsfrist beträgt 3 Monate."
    assert all(text[each.start : each.end] == each.text for each in tokenize(text))


def test_a_number_is_not_folded() -> None:
    assert [each.folded for each in tokenize("1\u202f234 \u00bd")] == ["1\u202f234", "\u00bd"]


def test_words_without_end_are_cut() -> None:
    assert max(len(each.text) for each in tokenize("x" * 1_000)) == 60


@pytest.mark.parametrize(
    ("word", "folded"), [("NOT", "not"), ("Straße", "strasse"), ("élève", "eleve"), ("ﬁn", "fin")]
)
def test_case_accents_and_ligatures_are_folded(word: str, folded: str) -> None:
    assert fold(word) == folded


def test_what_stands_between_two_tokens_is_found() -> None:
    tokens = tokenize("a - b.")
    assert between("a - b.", tokens, 0) == " - "
    assert between("a - b.", tokens, 1) == "."
