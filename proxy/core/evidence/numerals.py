"""Words for numbers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from proxy.core.evidence.lexicon import by_word, word_set

# From zero up to twenty.
_ENGLISH: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    " fifteen sixteen seventeen eighteen nineteen twenty"
)
_FRENCH: Final = (
    "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze"
    " seize dix-sept dix-huit dix-neuf vingt"
)
_GERMAN: Final = (
    "null ein zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn"
    " funfzehn sechzehn siebzehn achtzehn neunzehn zwanzig"
)
_SPANISH: Final = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince"
    " dieciseis diecisiete dieciocho diecinueve veinte"
)
_ITALIAN: Final = (
    "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici"
    " quindici sedici diciassette diciotto diciannove venti"
)
_TENS: Final = {  # in the order of the languages above
    30: "thirty trente dreissig treinta trenta",
    40: "forty quarante vierzig cuarenta quaranta",
    50: "fifty cinquante funfzig cincuenta cinquanta",
    60: "sixty soixante sechzig sesenta sessanta",
    70: "seventy septante siebzig setenta settanta",
    80: "eighty huitante achtzig ochenta ottanta",
    90: "ninety nonante neunzig noventa novanta",
}
_ORDINALS: Final = {
    1: "first premier premiere erste ersten erstes erster primer primero primera primo prima",
    2: "second seconde deuxieme zweite zweiten zweites zweiter segundo segunda secondo seconda",
    3: "third troisieme dritte dritten drittes dritter tercer tercero tercera terzo terza",
    4: "fourth quatrieme vierte vierten viertes vierter cuarto cuarta quarto quarta",
    5: "fifth cinquieme funfte funften funftes funfter quinto quinta",
    6: "sixth sixieme sechste sechsten sechstes sechster sexto sexta sesto sesta",
    7: "seventh septieme siebte siebten siebtes siebter septimo septima settimo settima",
    8: "eighth huitieme achte achten achtes achter octavo octava ottavo ottava",
    9: "ninth neuvieme neunte neunten neuntes neunter noveno novena nono nona",
    10: "tenth dixieme zehnte zehnten zehntes zehnter decimo decima",
    11: "eleventh onzieme elfte elften elftes elfter undecimo undicesimo",
    12: "twelfth douzieme zwolfte zwolften zwolftes zwolfter duodecimo dodicesimo",
}


def _numbers() -> Mapping[str, int]:
    words = dict(by_word(_TENS))
    for place, line in enumerate((_ENGLISH, _FRENCH, _GERMAN, _SPANISH, _ITALIAN)):
        below = line.split()
        words |= {word: value for value, word in enumerate(below)}
        tens = {20: below[20]} | {value: each.split()[place] for value, each in _TENS.items()}
        pairs = [(t, u) for t in tens for u in range(1, 10)]
        words |= {f"{tens[t]}-{below[u]}": t + u for t, u in pairs}
        if line == _GERMAN:
            words |= {f"{below[u]}und{tens[t]}": t + u for t, u in pairs}
    words |= {f"veinti{unit}": 20 + u for u, unit in enumerate(_SPANISH.split()[:10]) if u}
    for value, word in enumerate(_GERMAN.split()):
        words |= {f"{word}hundert": value * 100, f"{word}tausend": value * 1_000}
    for value, word in enumerate(_ITALIAN.split()):
        words |= {f"{word}cento": value * 100, f"{word}mila": value * 1_000}
    return MappingProxyType(words | {"dozen": 12, "zwo": 2, "eins": 1})


def _german() -> Mapping[str, int]:
    _, *words = _GERMAN.split()
    tens = [words[-1], *(line.split()[2] for line in _TENS.values())]
    words += tens + [f"{unit}und{ten}" for ten in tens for unit in words[:9]]
    return MappingProxyType({word: NUMBERS[word] for word in [*words, "zwo", "eins"]})


NUMBERS: Final = _numbers()
"""What a word for a number is worth; `twenty-one` is one word."""

GERMAN: Final = _german()
"""Those below 100 that German joins with what they count: `dreimonatig`."""

ARTICLES: Final = word_set("a an un une ein eine einen einem einer eines una uno")
"""Words that say 1 beside a unit, and are articles elsewhere."""

UNSURE: Final = ARTICLES | word_set("one single due sei neuf otto once nove null zero six tre")
"""Words for numbers that are other words, too: "payment is due", "once a year", "sei pünktlich"."""

ORDINALS: Final = by_word(_ORDINALS)

LOOSE: Final = by_word(
    {
        2: "twice double doubled both pair zweimal doppelt beide beiden doble ambos doppio",
        3: "triple thrice tripled dreimal dreifach",
    }
)
"""Words that hold a number without saying it."""

HALVES: Final = word_set(
    "half halb halbe halben halber halbes halfte moitie demi demie mitad medio media meta mezzo",
    "mezza",
)
SURE_HALVES: Final = word_set("halfte moitie mitad")
"""Those that are always the half of something; `half` may be the first of a year."""
