"""The language of a question, by its commonest words and its letters.

Questions in few words often have none but nouns, so some that staff ask about are among the words.

It only chooses among ready sentences, so it knows few languages. What it does not know is English.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final, Literal, get_args

Language = Literal["en", "fr", "de", "es", "it"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

_COMMON: Final[Mapping[Language, str]] = {
    "en": (
        "a about after all am an and any anything are as at be been before but by can could did do "
        "does every find for from get give has have hello help hi how i if in into is it its know "
        "many may me more much must my need no not of off on one or our please she should show so "
        "tell thank thanks that the their them there these they this to until us was we what when "
        "where which who whose why will with without would you your"
    ),
    "fr": (
        "à ai aide au aucun aussi aux avec avez avoir avons bonjour c ce ces cette combien comme "
        "comment d dans de depuis des dois doit donc donne du elle en entre est et être fait faut "
        "il ils j je jours jusqu l la le les leur leurs lui ma mais me merci mes moi mon n ne nos "
        "notre nous on ont ou où par pas peut peux plus pour pourquoi puis qu quand que quel "
        "quelle quelles quels qui quoi s sa salut sans se ses si son sont sur ta tous tout toute "
        "toutes très trouve tu un une vers vos votre vous y "
        "cadres congé congés durée délai explique expliquez frais jour préavis règles vacances"
    ),
    "de": (
        "aber alle allem allen als am an auch auf aus bei beim bin bis bitte da danke darf das "
        "dass dein dem den denn der des die dies diese diesem diesen dieser doch du dürfen ein "
        "eine einem einen einer eines er es finde für gegen gibt guten habe haben hallo hat hier "
        "ich ihm ihr ihre im in ist ja jede jeder kann kannst kein keine können können lange man "
        "mehr mein meine meinem mich mir mit muss müssen nach nicht noch nur ob oder ohne pro "
        "sehr sein seit sich sie sind so soll tag und uns unser unsere vom von vor wann war warum "
        "was welche welchem welchen welcher welches wem wen wenn wer werden wie wir wird wo wofür "
        "womit woran worauf worin zu zum zur zwischen über "
        "erkläre feiertage frist kosten nenne regelung regeln tage urlaub urlaubstage zeige"
    ),
    "es": (
        "a al algo antes aquí como con cuál cuáles cuándo cuándo cuánta cuántas cuánto cuántos "
        "cómo cual cuanto cuantos cuando de debe del desde dice donde dónde durante el ella ellos "
        "en entre era es esa ese eso esta este esto está están gracias ha hace hasta hay hola la "
        "las le les lo los me mi mis mucha muchas mucho muy más ni no nos nuestra nuestro nosotros "
        "o para pero por porque podemos puede pueden puedo que qué quién quiero se sea ser si sin "
        "sobre son su sus sé también tengo tiene tienen todo todos tu un una usted y ya yo "
        "días dime empleados explica gastos normas periodo plazo preaviso vacaciones"
    ),
    "it": (
        "a ad agli ai al alla alle anche avere buongiorno c che chi ci ciao come con cosa così "
        "cui da dagli dai dal dalla dall de degli dei del dell della delle deve devo di dopo dove "
        "durante e ed entro era fino fra gli grazie ha hai hanno ho i il in io l la le lei lo loro "
        "lui ma mi mia mie mio molto ne nei nel nell nella nelle noi non nostra nostro nulla o "
        "ogni per perché più posso possono prima puoi può qual quale quali quando quanta quante "
        "quanti quanto quello questa questo qui se sei senza si siamo sia sono sta su sua sul "
        "sulla suo sì ti tra trovare tu tutti tutto un una uno vi voi vorrei è "
        "dimmi elenca ferie giorni periodo preavviso regole rimborso spese spiegami"
    ),
}
_LETTERS: Final[Mapping[Language, str]] = {
    "en": "",
    "fr": "àâçèéêëîïôœùû",
    "de": "äöüß",
    "es": "áéíñóú¿¡",
    "it": "àèéìòù",
}
_FOREIGN: Final = re.compile(r"[ãõåæøłąęěščřžőűășțığş]")
"""Letters of languages that share words with those above, such as Portuguese and Turkish."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_MOST_CHARS: Final = 2_000
_LEAST: Final = 1.0
"""What the words must weigh together: one that no other of the languages has, or several."""


def _weights() -> dict[str, dict[Language, float]]:
    """What each word or letter says for each language: less if several languages have it."""
    has = {name: {*_COMMON[name].split(), *_LETTERS[name]} for name in LANGUAGES}
    count = Counter(each for marks in has.values() for each in marks)
    return {
        mark: {name: 1 / count[mark] for name in LANGUAGES if mark in has[name]} for mark in count
    }


_WEIGHTS: Final[Mapping[str, Mapping[Language, float]]] = _weights()


def language_of(text: str) -> Language | None:
    """The language of `text`; None if its words and letters do not tell."""
    text = text[:_MOST_CHARS].lower()
    if _FOREIGN.search(text):
        return None
    marks = _WORD.findall(text)
    marks += [each for each in dict.fromkeys(text) if not each.isascii()]
    scores = dict.fromkeys(LANGUAGES, 0.0)
    for mark in marks:
        for name, weight in _WEIGHTS.get(mark, {}).items():
            scores[name] += weight
    best = max(LANGUAGES, key=scores.__getitem__)
    return best if scores[best] >= _LEAST else None
