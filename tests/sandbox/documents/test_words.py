import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sandbox.documents.words import asked, fold, telling, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straßenbahn", "STRASSENBAHN"),
        ("Stra\u00adßen\u200bbahn", "straßenbahn"),
        ("ﬁnal oﬃce", "final office"),
        ("\uff26\uff55\uff4c\uff4c\u3000width", "full width"),
        ("ﾃﾞｰﾀ", "データ"),
        ("Prüfung", "Pru\u0308fung"),
        ("congé", "conge"),
        ("İstanbul", "istanbul"),
        ("ΌΔΟΣ", "όδος"),
        ("㎏ Ⅳ", "kg iv"),
        ("\U0001d400\U0001d401", "ab"),
    ],
)
def test_what_a_reader_takes_for_the_same_is_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_marks_that_make_another_letter_stay() -> None:
    assert fold("が") != fold("か")
    assert fold("한국") == "한국"


@given(st.text())
def test_folding_does_not_depend_on_how_unicode_composes_a_text(text: str) -> None:
    composed, apart = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert fold(composed) == fold(apart)


@given(st.text())
def test_every_text_holds_all_words_that_it_is_asked_by(text: str) -> None:
    assert set(asked(text)) <= set(words(text))


def test_a_word_inside_a_run_is_a_word_of_its_text() -> None:
    for run, word in (("東京都庁", "京都"), ("직원휴가는", "휴가"), ("データベース", "ベース")):
        assert set(asked(word)) <= set(words(run))
        assert set(asked(word[0])) <= set(words(run))


def test_scripts_part_a_run_and_a_question_is_asked_by_pairs() -> None:
    assert list(asked("有給休暇は10日、max_results")) == [
        "有給",
        "給休",
        "休暇",
        "は",
        "10",
        "日",
        "max_results",
    ]
    assert list(words("犬小屋")) == ["犬", "小", "屋", "犬小", "小屋"]


def test_grammar_tells_nothing_unless_there_is_nothing_else() -> None:
    assert telling(["休暇", "です", "暇的", "stop"], frozenset({"stop"})) == ["休暇"]
    assert telling(["です"], frozenset()) == ["です"]
    assert telling(["stop"], frozenset({"stop"})) == []
