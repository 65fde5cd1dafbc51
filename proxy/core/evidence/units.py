"""Words for units, scales and months: what stands beside a number and belongs to it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from proxy.core.evidence.lexicon import by_word, word_set

REFERENCE: Final = "reference"
"""The unit of a number that names a place: "Section 3", "§ 3", "page 3"."""

PERCENT: Final = "%"
ORDINAL: Final = "ordinal"
ARTICLE: Final = "article"
"""The unit of "a" and "un", which are 1 where nothing else is known of it."""

_SIGNS: Final = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "%": PERCENT, "‰": "‰"}
SIGNS: Final = MappingProxyType(_SIGNS)

_UNITS: Final = {
    "EUR": "eur euro euros",
    "USD": "usd dollar dollars dolares dollari us$",
    "GBP": "gbp pound pounds sterling pfund",
    "CHF": "chf franken francs",
    "JPY": "jpy yen",
    PERCENT: "percent prozent percentage prozentpunkte pct",
    "year": "year years yr yrs annual jahr jahre jahren jahres jahrige jahrigen an ans annee annees"
    " ano anos anno anni",
    "quarter": "quarter quarters quartal quartale quartalen trimestre trimestres trimestri",
    "half": "half semester semesters semestre semestres semestri halbjahr halbjahres",
    "month": "month months monat monate monaten monats monatige monatigen monatlich mois mes meses"
    " mese mesi",
    "week": "week weeks woche wochen wochige wochigen semaine semaines semana semanas settimana"
    " settimane",
    "day": "day days tag tage tagen tages tagige tagigen werktag werktage werktagen arbeitstage"
    " arbeitstagen kalendertage kalendertagen jour jours dia dias giorno giorni",
    "hour": "hour hours hr hrs stunde stunden stundige stundigen heure heures hora horas ora ore h",
    "minute": "minute minutes min mins minuten minuto minutos minuti",
    "second": "seconds sec secs sekunde sekunden secondes segundos secondi",
}
UNITS: Final = by_word(_UNITS)

TWO_WORDS: Final = frozenset(
    {("per", "cent"), ("pour", "cent"), ("por", "ciento"), ("per", "cento")}
)
"""Other ways to say percent."""

MONTHS_OF: Final = MappingProxyType({"year": 12, "month": 1})
MINUTES_OF: Final = MappingProxyType({"week": 10_080, "day": 1_440, "hour": 60, "minute": 1})
TIMES: Final = frozenset({*MONTHS_OF, *MINUTES_OF, "quarter", "half", "second"})

_SCALES: Final = {
    (2,): "hundred hundert",
    (3,): "thousand thousands tausend tsd mille mila mil miles migliaia k teur",
    (6,): "million millions millionen mio mln mn milione milioni millon millones",
    (9,): "milliard milliards milliarde milliarden mrd mld md mds miliardo miliardi bn",
    (9, 12): "billion billions billionen billon billones",  # in English a thousandth of the others
    (12,): "trillion trillions bio",
}
SCALES: Final = by_word(_SCALES)
"""By how many digits a word after a number moves its point."""

LETTERS: Final = MappingProxyType({"k": (3,), "m": (6,), "b": (9,), "t": (3, 12)})
"""Scales only directly behind a number, or before the sign of a currency."""

MONTHS: Final = by_word(
    {
        1: "january jan januar janner janvier janv enero ene gennaio gen",
        2: "february feb februar feber fevrier fevr fev febrero febbraio febb",
        3: "march mar marz mrz mars marzo",
        4: "april apr avril avr abril abr aprile",
        5: "may mai mayo maggio mag",
        6: "june jun juni juin junio giugno giu",
        7: "july jul juli juillet juil julio luglio lug",
        8: "august aug aout agosto ago",
        9: "september sep sept septembre septiembre settembre set",
        10: "october oct oktober okt octobre octubre ottobre ott",
        11: "november nov novembre noviembre",
        12: "december dec dezember dez decembre diciembre dic dicembre",
    }
)

REFERENCES: Final = word_set(
    "s section sec sections article art articles clause chapter chap p page pages pp no nr",
    "number nummer para paragraph abs absatz satz ziff ziffer kapitel kap seite seiten",
    "abschnitt artikel anlage annex appendix table figure fig tabelle abbildung abb annexe",
    "chapitre tableau numero articulo capitulo pagina seccion anexo tabla articolo capitolo",
    "sezione allegato comma item step schritt punkt",
)
"""Words before a number that names a place in a text."""

HEDGES: Final = word_set(
    "about around approx approximately nearly almost roughly over some than under below above",
    "circa ca rund etwa ungefahr knapp fast uber als environ pres presque plus unos unas casi",
    "cerca mas aproximadamente alrededor quasi oltre piu autour moins meno menos",
)
"""Words before a number that is rounded: "about 12", "more than 3", "rund 5"."""
