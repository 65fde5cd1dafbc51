"""Greetings and thanks are answered as such, and no question passes for one."""

from __future__ import annotations

import pytest

from proxy.core.small_talk import is_brief, is_small_talk


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hi",
        "ok 👍",
        "? ?",
        "How are you today?",
        "Hi, nice to meet you!",
        "Ça va ?",
        "Comment allez-vous ?",
        "Wie geht's ?",
        "Wie geht es Ihnen?",
        "¿Cómo está usted?",
        "Olá!",
        "你好",
        "ありがとう",
        "Hello, how are you today?",
        "Thank you very much for your help!",
        "Thanks, that was really helpful.",
        "Bonjour, comment vas-tu ?",
        "Merci beaucoup pour votre aide !",
        "Merci, c'est parfait",
        "Guten Morgen, wie geht's?",
        "Vielen Dank, das war sehr nett von dir!",
        "¡Hola! ¿Qué tal?",
        "¡Muchas gracias por tu ayuda!",
        "Ciao, come stai oggi?",
        "Grazie mille per il tuo aiuto!",
    ],
)
def test_greetings_and_thanks_are_small_talk(text: str) -> None:
    assert is_small_talk(text)


@pytest.mark.parametrize(
    "text",
    [
        "How many days?",
        "Leave policy?",
        "Kündigungsfrist?",
        "2024?",
        "年假？",
        "How is it going with all this?",  # greets nobody: it may go on from a question
        "Hello, how many days of leave do I have?",
        "Thanks, and for managers?",
        "Hi, what is this?",
        "Bonjour, quel est le délai ?",
        "Merci, et pour les cadres ?",
        "Guten Tag, wie viele Urlaubstage habe ich?",
        "Hola, ¿qué días son festivos?",
        "Ciao, quanti giorni di ferie ho?",
        "年假有多少天？",
        "thanks " * 16,
    ],
)
def test_a_question_is_none(text: str) -> None:
    assert not is_small_talk(text)


@pytest.mark.parametrize(
    "text", ["", "hi", "Leave policy?", "Les congés ?", "¿ Qué tal ?", "ok 👍 👍", "- -", "年假？"]
)
def test_fewer_than_three_words_are_brief_whatever_stands_between_them(text: str) -> None:
    assert is_brief(text)


@pytest.mark.parametrize("text", ["How many days?", "年假有多少天？", "! " * 15 + "How many days?"])
def test_what_has_more_words_is_not_brief(text: str) -> None:
    assert not is_brief(text)
