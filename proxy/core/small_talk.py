"""Small talk: greetings, thanks and the like, which no document answers.

A message is small talk if all of its words are those of greetings and thanks, and one of them
greets or thanks, or there are fewer than three. Other messages of fewer than three words may be
anything, so they count as questions ("Notice period?"), but as brief ones.
"""

from __future__ import annotations

import re
from typing import Final

_WORDS_OF_A_QUESTION: Final = 3
_MOST_WORDS: Final = 15
_CHARS_OF_A_QUESTION: Final = 6
_WORD: Final = re.compile(r"[^\W_]+")
_UNSPACED: Final = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]"
)
"""Letters of scripts without spaces between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""
_OPENERS: Final = (
    "hello hi hey yo thanks thank thx goodbye bye welcome morning evening afternoon cheers "
    "bonjour bonsoir salut merci coucou adieu revoir remercie enchanté "
    "hallo guten danke dank moin servus tschüss grüß grüezi bedanke wiedersehen "
    "hola buenos buenas gracias adiós saludos agradezco "
    "ciao buongiorno buonasera salve grazie arrivederci ringrazio "
    "olá obrigado obrigada hej ahoj merhaba привет здравствуйте спасибо 안녕하세요 감사합니다 "
    "你好 您好 谢谢 謝謝 再见 再見 こんにちは こんばんは おはよう ありがとう さようなら"
)
_COMPANIONS: Final = (
    "a again all and are been day doing everyone for fine going good great have help helpful "
    "how i is it just kind lot lots m me meet much nice no of ok okay perfect re really s so that "
    "the there this to today tonight very was well with you your "
    "à aide aidé au aujourd avez beaucoup bien bonne ce ça c comment de avoir d "
    "encore est et êtes fois hui infiniment journée l m parfait pour réponse soirée "
    "super t toi très tu va vas vous votre ton allez "
    "abend allen alles auch auf das dein deine deiner deinen dir es euch für geht gott "
    "gut heute herzlichen hilfe ich ihnen ihre ihrer ihren ist läuft liebe mal mich morgen "
    "nett nochmal nochmals recht schön schöne schönen sehr super tag toll und vielen viel "
    "von war wie wunderbar zusammen "
    "amable ayuda bien buen cómo como con días encantado está estás estoy excelente genial "
    "hoy has hasta luego mañana me muchas muchísimas muy noches perfecto por qué que sido "
    "su tal tardes tú tu todo todos usted va y "
    "aiuto anche bene buon buona come conoscerti così di e gentile giornata giorno il la le lei "
    "mille molte molto mi oggi per perfetto piacere sei serata si sta stai stata stato suo te ti "
    "tua tuo tutti tutto va"
)
_PHRASES: Final = frozenset(
    {
        "how are you",
        "how are you doing",
        "how are you today",
        "how do you do",
        "comment ça va",
        "comment allez vous",
        "comment vas tu",
        "wie geht es dir",
        "wie geht es ihnen",
        "wie geht s dir",
        "wie geht s ihnen",
        "cómo está usted",
        "come sta lei",
    }
)
"""Whole messages that greet without one of the words above."""
_OPENING: Final = frozenset(_OPENERS.split())
_ALL: Final = _OPENING.union(_COMPANIONS.split())


def is_small_talk(text: str) -> bool:
    """Whether nobody who writes `text` asks for anything that documents hold."""
    if len(text.split(maxsplit=_MOST_WORDS)) > _MOST_WORDS:
        return False
    words = _WORD.findall(text.lower())
    if " ".join(words) in _PHRASES:
        return True
    return _ALL.issuperset(words) and (is_brief(text) or not _OPENING.isdisjoint(words))


def is_brief(text: str) -> bool:
    """Whether `text` has fewer than three words. A sign that stands alone is none: "Ça va ?"."""
    pieces = text.split(maxsplit=_MOST_WORDS)
    words = [each for each in pieces if any(map(str.isalnum, each))]
    if len(words) >= _WORDS_OF_A_QUESTION or len(pieces) > _MOST_WORDS:
        return False
    return len(_UNSPACED.findall(text)) < _CHARS_OF_A_QUESTION
