"""Greetings and thanks are answered as such, and no question passes for one."""

from __future__ import annotations

import pytest

from proxy.core.small_talk import is_small_talk


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hi",
        "Leave policy?",
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
def test_greetings_thanks_and_one_or_two_words_are_small_talk(text: str) -> None:
    assert is_small_talk(text)


@pytest.mark.parametrize(
    "text",
    [
        "How many days?",
        "How are you today?",  # greets nobody: it may go on from a question
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
