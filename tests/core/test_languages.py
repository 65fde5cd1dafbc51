"""The language of a question chooses the sentence that refuses it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.languages import LANGUAGES, language_of

_KEPT = Path(__file__).parents[1] / "quality" / "questions.toml"
ASKED = [
    (each["language"], turn["ask"])
    for each in tomllib.loads(_KEPT.read_text(encoding="utf-8"))["conversation"]
    for turn in each["turns"]
]


@pytest.mark.parametrize(("language", "question"), ASKED)
def test_the_questions_of_the_measurement_are_known_by_their_language(
    language: str, question: str
) -> None:
    assert (language_of(question) or "en") == language


@pytest.mark.parametrize(
    "question",
    [
        "Quanti giorni di ferie ho?",
        "Qual è il periodo di preavviso?",
        "Chi approva le spese di viaggio?",
        "Dove trovo il modulo per il rimborso?",
        "FERIE ANNUALI E PERMESSI?",
    ],
)
def test_italian_questions_are_known(question: str) -> None:
    assert language_of(question) == "it"


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Kündigungsfrist Probezeit", "de"),
        ("Wer darf das?", "de"),
        ("¿Vacaciones anuales?", "es"),
        ("L'horaire d'été ?", "fr"),
        ("Congés des cadres ?", "fr"),
        ("Explique le remboursement des frais", "fr"),
        ("Nenne alle Feiertage 2024", "de"),
        ("Plazo de preaviso", "es"),
        ("Spiegami il rimborso spese", "it"),
        ("What does 'Der Urlaub' mean in this contract?", "en"),
    ],
)
def test_few_words_or_letters_are_enough(question: str, language: str) -> None:
    assert language_of(question) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "T40 2025",
        "Quantos dias de férias eu tenho, senhor João?",
        "Hoeveel vakantiedagen heb ik?",
        "Ile dni urlopu mam?",
        "Kaç gün iznim var? Kaçta iş?",
        "Сколько дней отпуска?",
        "年假有多少天？",
    ],
)
def test_what_does_not_tell_has_no_language(text: str) -> None:
    assert language_of(text) is None


@given(st.text())
def test_every_text_has_a_known_language_or_none(text: str) -> None:
    assert language_of(text) in (*LANGUAGES, None)


def test_only_the_beginning_of_a_long_text_counts() -> None:
    assert (
        language_of("Wie viel darf das kosten? " * 200 + "What is the price of this? " * 900)
        == "de"
    )
