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
        "Thanks a lot, that helped",
        "Thank you, that helped me a lot!",
        "Thank you so much for the quick answer",
        "Have a nice day!",
        "Perfect, that's all I needed.",
        "Perfect, that's all I needed. Have a nice day!",
        "Who are you?",
        "Hi there, who are you?",
        "Thanks, how are you?",
        "Danke, das hat mir geholfen",
        "Das hat mir sehr geholfen!",
        "Vielen Dank für die schnelle Hilfe!",
        "Schönen Tag noch!",
        "Alles klar, danke dir",
        "Wer bist du?",
        "Danke, das war alles, was ich brauchte.",
        "Merci, ça m'a beaucoup aidé",
        "Merci pour votre réponse rapide !",
        "Merci, c'est tout",
        "Passez une bonne journée !",
        "Qui êtes-vous ?",
        "Gracias, eso es todo",
        "Gracias por la respuesta",
        "Que tengas un buen día",
        "Grazie, è tutto",
        "Grazie per la risposta veloce",
        "Le auguro una buona giornata",
        "ありがとうございます",
        "どうもありがとうございました！",
        "谢谢你的帮助",
        "非常感谢您的回答！",
        "你是谁？",
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
        "Who is the site manager?",
        "Who are you going to call for repairs?",
        "Danke, und die Kündigungsfrist?",
        "Danke, hat die Auskunft geholfen?",  # what thanks say may be asked about
        "Was hat geholfen?",
        "Thanks, is that all the information?",
        "Have a nice day policy?",
        "Hello, I need help with my answer",
        "Merci, et la durée ?",
        "Gracias, ¿y el plazo de respuesta?",
        "Grazie, e la risposta del capo?",
        "谢谢，年假有多少天？",
        "谢谢你的帮助，年假呢？",
        "ありがとうございます。有給は何日ですか？",
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
