"""Small talk: greetings, thanks and the like, which no document answers.

A message is small talk if all of its words are those of greetings and thanks, and one of them
greets or thanks, or there are fewer than three. A phrase such as "Have a nice day" greets, too,
at the end of a part of the message. Other messages of fewer than three words may be anything, so
they count as questions ("Notice period?"), but as brief ones.
"""

from __future__ import annotations

import re
from typing import Final

_WORDS_OF_A_QUESTION: Final = 3
_MOST_WORDS: Final = 15
_CHARS_OF_A_QUESTION: Final = 6
_LONGEST_PHRASE: Final = 8
_WORD: Final = re.compile(r"[^\W_]+")
_STOP: Final = re.compile(r"[.!?,;:…–—\n¿¡、。！？，；：]")  # noqa: RUF001 - signs of Chinese
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
    "你好 您好 谢谢 謝謝 多谢 多謝 感谢 感謝 再见 再見 "
    "こんにちは こんばんは おはよう ありがとう さようなら 助かりました"
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
_STATED: Final = (
    "amazing answer answering answers appreciate appreciated assistance awesome brilliant "
    "clarified clarifying clear cool excellent explaining explanation fast got helped helps "
    "helping info informative quick quickly reply response understood useful wonderful "
    "aidée cela clair compris excellente explication explications génial information informations "
    "infos je la les précieuse rapide rapidement répondu réponses tout une utile utiles vos "
    "antwort antworten auskunft bestens den der die eure erklärung geholfen hat hilfreich "
    "hilfreiche informationen infos klar mühe noch passt perfekt prima reicht schnell schnelle "
    "schneller schnellen top tolle unterstützung verstanden weitergeholfen wirklich "
    "aclaración atención ayudado ayudaste ayudó claro el entendido eso explicación explicaciones "
    "gran información la rápida rápido respuesta respuestas servido sirvió un una útil "
    "aiutata aiutato capito chiaro davvero è ha ho informazione informazioni rapida risposta "
    "risposte spiegazione spiegazioni sua utile utili veloce vostra vostro"
)
"""Words of messages that thank for something. In a question they may be what it asks about."""
_PHRASES: Final = frozenset(
    {
        "how are you",
        "how are you doing",
        "how are you today",
        "how do you do",
        "who are you",
        "what are you",
        "what s your name",
        "what is your name",
        "have a nice day",
        "have a good day",
        "have a great day",
        "have a lovely day",
        "have a nice evening",
        "have a good evening",
        "have a great evening",
        "have a nice weekend",
        "have a good weekend",
        "have a great weekend",
        "have a good one",
        "that s all",
        "that is all",
        "that was all",
        "that ll be all",
        "that s all i need",
        "that s all i needed",
        "that is all i need",
        "that is all i needed",
        "that was all i needed",
        "that s everything i needed",
        "that s what i needed",
        "that s exactly what i needed",
        "exactly what i needed",
        "just what i needed",
        "all i needed",
        "see you later",
        "see you soon",
        "see you tomorrow",
        "for your time",
        "great job",
        "good job",
        "great work",
        "that helped",
        "that helped a lot",
        "that helps a lot",
        "that helped me a lot",
        "comment ça va",
        "comment allez vous",
        "comment vas tu",
        "qui es tu",
        "qui êtes vous",
        "tu es qui",
        "vous êtes qui",
        "comment t appelles tu",
        "bonne fin de journée",
        "passe une bonne journée",
        "passez une bonne journée",
        "passez une bonne soirée",
        "bon week end",
        "à la prochaine",
        "c est tout",
        "ce sera tout",
        "c est tout ce qu il me fallait",
        "c est exactement ce qu il me fallait",
        "c est tout ce dont j avais besoin",
        "c est exactement ce dont j avais besoin",
        "cela m a aidé",
        "cela m a beaucoup aidé",
        "ça m a aidé",
        "ça m a beaucoup aidé",
        "wie geht es dir",
        "wie geht es ihnen",
        "wie geht s dir",
        "wie geht s ihnen",
        "wer bist du",
        "wer sind sie",
        "wie heißt du",
        "wie heißen sie",
        "schönen tag noch",
        "schönen abend noch",
        "einen schönen tag",
        "einen schönen tag noch",
        "einen schönen abend",
        "einen schönen abend noch",
        "einen guten tag",
        "schönes wochenende",
        "ein schönes wochenende",
        "bis zum nächsten mal",
        "das war alles",
        "das war s",
        "das ist alles",
        "das wäre alles",
        "mehr brauche ich nicht",
        "das ist alles was ich brauche",
        "das war alles was ich brauchte",
        "alles was ich brauchte",
        "was ich brauchte",
        "genau das habe ich gebraucht",
        "das hat geholfen",
        "das hat mir geholfen",
        "das hat mir sehr geholfen",
        "cómo está usted",
        "quién eres tú",
        "quién es usted",
        "cómo te llamas",
        "cómo se llama usted",
        "que tengas buen día",
        "que tengas un buen día",
        "que tengas un lindo día",
        "que tenga buen día",
        "que tenga un buen día",
        "ten un buen día",
        "buen fin de semana",
        "eso es todo",
        "eso era todo",
        "eso sería todo",
        "es todo lo que necesitaba",
        "eso es todo lo que necesitaba",
        "es justo lo que necesitaba",
        "nos vemos",
        "come sta lei",
        "chi sei tu",
        "come ti chiami",
        "come si chiama lei",
        "ti auguro una buona giornata",
        "le auguro una buona giornata",
        "buon fine settimana",
        "è tutto",
        "questo è tutto",
        "era tutto quello che mi serviva",
        "è tutto quello che mi serviva",
        "è tutto ciò che mi serviva",
        "è proprio quello che mi serviva",
        "ci vediamo",
        "あなたは誰ですか",
        "よい一日を",
        "良い一日を",
        "你是谁",
        "你是誰",
        "祝你有美好的一天",
    }
)
"""Parts of messages that greet without one of the openers."""
_UNSPACED_WORDS: Final = (
    "助かりました ありがとう ございました ございます どうも とても 本当に 誠に 大変 おはよう "
    "こんにちは こんばんは さようなら お願いします よろしく "
    "你好 您好 谢谢 謝謝 多谢 多謝 感谢 感謝 再见 再見 非常 你的 您的 你 您 帮助 幫助 帮忙 幫忙 "
    "回答 回复 解答 了 很 太 大家 早上好 晚上好"
)
_UNSPACED_WORD: Final = re.compile("|".join(_UNSPACED_WORDS.split()))
_OPENING: Final = frozenset(_OPENERS.split())
_ASKED: Final = _OPENING.union(_COMPANIONS.split(), _UNSPACED_WORDS.split())
_SAID: Final = _ASKED.union(_STATED.split())


def is_small_talk(text: str) -> bool:
    """Whether nobody who writes `text` asks for anything that documents hold."""
    if len(text.split(maxsplit=_MOST_WORDS)) > _MOST_WORDS:
        return False
    parts = _STOP.split(text.lower())
    words = [word for part in parts for word in _words(part)]
    others = [word for part in parts for word in _without_phrase(_words(part))]
    known = _ASKED if "?" in text or "？" in text else _SAID
    if not known.issuperset(others):
        return False
    greets = len(others) < len(words) or not _OPENING.isdisjoint(others)
    return greets or is_brief(text)


def _words(part: str) -> list[str]:
    """The words of a part. Those of scripts without spaces are told apart if they are known."""
    whole = part.strip()
    return [whole] if whole in _PHRASES else _WORD.findall(_UNSPACED_WORD.sub(r" \g<0> ", part))


def _without_phrase(words: list[str]) -> list[str]:
    """The words before the phrase that ends a part of a message; all if none does."""
    for n in range(min(len(words), _LONGEST_PHRASE), 0, -1):
        if " ".join(words[-n:]) in _PHRASES:
            return words[:-n]
    return words


def is_brief(text: str) -> bool:
    """Whether `text` has fewer than three words. A sign that stands alone is none: "Ça va ?"."""
    pieces = text.split(maxsplit=_MOST_WORDS)
    words = [each for each in pieces if any(map(str.isalnum, each))]
    if len(words) >= _WORDS_OF_A_QUESTION or len(pieces) > _MOST_WORDS:
        return False
    return len(_UNSPACED.findall(text)) < _CHARS_OF_A_QUESTION
