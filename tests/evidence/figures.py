"""Passages with figures, and sentences that say one of them in another format, or changed.

A fact is drawn, written into a passage in one language and format, and into a sentence in another.
In the changed sentence it is another value, which stands nowhere in the passage.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

LANGUAGES: Final = ("en", "fr", "de", "es", "it")
_MONTHS: Final = {
    "en": "January February March April May June July August September October November December",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre"
    " diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre"
    " dicembre",
}
_WORDS: Final = {
    "en": "two three four five six seven eight nine ten eleven twelve",
    "fr": "deux trois quatre cinq six sept huit neuf dix onze douze",
    "de": "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce",
    "it": "due tre quattro cinque sei sette otto nove dieci undici dodici",
}
_ORDINALS: Final = {
    "en": "first second third fourth",
    "fr": "premier deuxième troisième quatrième",
    "de": "ersten zweiten dritten vierten",
    "es": "primer segundo tercer cuarto",
    "it": "primo secondo terzo quarto",
}
_PLURALS: Final = {
    "year": dict(zip(LANGUAGES, ("years", "ans", "Jahre", "años", "anni"), strict=True)),
    "month": dict(zip(LANGUAGES, ("months", "mois", "Monate", "meses", "mesi"), strict=True)),
    "week": dict(
        zip(LANGUAGES, ("weeks", "semaines", "Wochen", "semanas", "settimane"), strict=True)
    ),
    "day": dict(zip(LANGUAGES, ("days", "jours", "Tage", "días", "giorni"), strict=True)),
}
_EURO: Final = dict(zip(LANGUAGES, ("euros", "euros", "Euro", "euros", "euro"), strict=True))
_MILLION: Final = dict(
    zip(
        LANGUAGES,
        (
            ("million", "m"),
            ("millions d'", "M"),
            ("Millionen", "Mio."),
            ("millones de", "M"),
            ("milioni di", "mln"),
        ),
        strict=True,
    )
)
_SEPARATORS: Final = {
    "en": (",", "."),
    "fr": ("\u202f", ","),
    "de": (".", ","),
    "es": (".", ","),
    "it": (".", ","),
}
_SENTENCES: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "The parties agreed on {}.", "According to the report, the figure is {}.",
        "The document gives {} for this item.", "As stated in the annex, {} applies here.",
    ),
    "fr": (
        "Les parties sont convenues de {}.", "Selon le rapport, la valeur indiquée est {}.",
        "Le document retient {} pour ce poste.", "L'annexe prévoit {} dans ce cas.",
    ),
    "de": (
        "Die Parteien haben {} vereinbart.", "Laut Bericht gilt hier {}.",
        "Das Dokument nennt {} für diesen Posten.", "Der Anhang sieht {} vor.",
    ),
    "es": (
        "Las partes acordaron {}.", "Según el informe, el valor indicado es {}.",
        "El documento recoge {} para esta partida.", "El anexo prevé {} en este caso.",
    ),
    "it": (
        "Le parti hanno concordato {}.", "Secondo la relazione, il valore indicato è {}.",
        "Il documento riporta {} per questa voce.", "L'allegato prevede {} in questo caso.",
    ),
}  # fmt: skip

Value = tuple[int, ...]
Writer = Callable[[random.Random, str, Value], str]


def grouped(rng: random.Random, language: str, digits: str) -> str:
    """Digits in groups of three, as some of the language's writers set them."""
    separator, _ = _SEPARATORS[language]
    signs = {"en": (separator, ""), "de": (separator, "", "\u2019", "\u00a0")}
    sign = rng.choice(signs.get(language, (separator, " ", "")))
    return f"{int(digits):,}".replace(",", sign)


def _amount(rng: random.Random, language: str, value: Value) -> str:
    whole, cents = value
    _, point = _SEPARATORS[language]
    number = grouped(rng, language, str(whole)) + (f"{point}{cents:02}" if cents else "")
    forms = [f"{number} {_EURO[language]}", f"{number} EUR", f"{number} €", f"EUR {number}"]
    return rng.choice([*forms, f"€{number}"] if language == "en" else forms)


def _millions(rng: random.Random, language: str, value: Value) -> str:
    whole, tenths = value
    separator, point = _SEPARATORS[language]
    word, short = _MILLION[language]
    number = f"{whole}{point}{tenths}"
    full = f"{whole}{separator}{tenths}00{separator}000"
    space = "" if word.endswith("'") else " "
    if language == "en":
        return rng.choice(
            [f"€{number} {word}", f"€{number}{short}", f"€{full}", f"{number} million euros"]
        )
    abbreviated = f"{number} {short}€" if short == "M" else f"{number} {short} €"
    return rng.choice([f"{number} {word}{space}{_EURO[language]}", abbreviated, f"{full} €"])


def _percent(rng: random.Random, language: str, value: Value) -> str:
    whole, tenths = value
    _, point = _SEPARATORS[language]
    number = f"{whole}{point}{tenths}" if tenths else str(whole)
    words = dict(
        zip(LANGUAGES, ("percent", "pour cent", "Prozent", "por ciento", "per cento"), strict=True)
    )
    return number + rng.choice(["%", " %", f" {words[language]}"])


def _duration(unit: str) -> Writer:
    def write(rng: random.Random, language: str, value: Value) -> str:
        (count,) = value
        forms = [f"{count} {_PLURALS[unit][language]}"]
        if count <= 12:
            word = _WORDS[language].split()[count - 2]
            forms.append(f"{word} {_PLURALS[unit][language]}")
            if language == "en":
                forms += [f"a {word}-{unit} period", f"a {count}-{unit} term"]
            if language == "de" and unit in {"month", "year"}:
                forms.append(f"eine {word}{'monatige' if unit == 'month' else 'jährige'} Frist")
        return rng.choice(forms)

    return write


def _date(rng: random.Random, language: str, value: Value) -> str:
    year, month, day = value
    name = _MONTHS[language].split()[month - 1]
    forms = [f"{year}-{month:02}-{day:02}", f"{day:02}/{month:02}/{year}"]
    if language == "en":
        forms += [f"{day} {name} {year}", f"{name} {day}, {year}", f"{name} {day}th {year}"]
    elif language == "de":
        forms += [f"{day:02}.{month:02}.{year}", f"{day}. {name} {year}", f"{day}.{month}.{year}"]
    elif language == "es":
        forms += [f"{day} de {name} de {year}"]
    else:
        forms += [f"{day} {name} {year}", f"{day:02}.{month:02}.{year}"]
    return rng.choice(forms)


def _month(_: random.Random, language: str, value: Value) -> str:
    year, month = value
    name = _MONTHS[language].split()[month - 1]
    return f"{name} de {year}" if language == "es" else f"{name} {year}"


def _quarter(rng: random.Random, language: str, value: Value) -> str:
    (number,) = value
    word = _ORDINALS[language].split()[number - 1]
    noun = {"en": "quarter", "de": "Quartal"}.get(language, "trimestre")
    return rng.choice([f"Q{number}", f"{word} {noun}"])


def _time(rng: random.Random, language: str, value: Value) -> str:
    hour, minute = value
    forms = [f"{hour}:{minute:02}"]
    if language == "en":
        forms.append(f"{(hour - 1) % 12 + 1}:{minute:02} {'pm' if hour >= 12 else 'am'}")
    elif language == "fr":
        forms.append(f"{hour}h{minute:02}")
    elif language == "de":
        forms.append(f"{hour}.{minute:02} Uhr")
    return rng.choice(forms)


def _count(rng: random.Random, language: str, value: Value) -> str:
    nouns = dict(zip(LANGUAGES, ("units", "unités", "Stück", "unidades", "unità"), strict=True))
    return f"{grouped(rng, language, str(value[0]))} {nouns[language]}"


class _Kind(NamedTuple):
    write: Writer
    ranges: tuple[range, ...]


_KINDS: Final = {
    "amount": _Kind(_amount, (range(20, 900_000), range(100))),
    "millions": _Kind(_millions, (range(2, 90), range(1, 10))),
    "percent": _Kind(_percent, (range(2, 99), range(10))),
    "months": _Kind(_duration("month"), (range(2, 37),)),
    "years": _Kind(_duration("year"), (range(2, 31),)),
    "weeks": _Kind(_duration("week"), (range(2, 13),)),
    "days": _Kind(_duration("day"), (range(2, 91),)),
    "date": _Kind(_date, (range(1990, 2031), range(1, 13), range(4, 21))),
    "month": _Kind(_month, (range(1990, 2031), range(1, 13))),
    "quarter": _Kind(_quarter, (range(1, 5),)),
    "time": _Kind(_time, (range(1, 24), range(1, 60))),
    "count": _Kind(_count, (range(13, 9_999),)),
}


class Case(NamedTuple):
    """A sentence with one figure, and a passage that holds it, or not."""

    kind: str
    sentence: str
    passage: str
    is_changed: bool


def cases(count: int, seed: int) -> Iterator[Case]:
    """So many cases with a figure that the passage holds, and as many with a changed one."""
    rng = random.Random(seed)
    for _ in range(count):
        yield from _two(rng)


def _two(rng: random.Random) -> Iterator[Case]:
    facts = {name: _draw(rng, kind) for name, kind in _chosen(rng)}
    language = rng.choice(LANGUAGES)
    passage = " ".join(_sentence(rng, language, name, value) for name, value in facts.items())
    name = rng.choice(list(facts))
    other = rng.choice(LANGUAGES) if rng.random() < 0.4 else language
    yield Case(name, _sentence(rng, other, name, facts[name]), passage, is_changed=False)
    known = {number for value in facts.values() for number in value}
    known |= {each for n in known for each in (n * 7, n * 12, n // 7, n // 12)}  # weeks, years
    changed = _changed(rng, facts[name], _KINDS[name], known)
    yield Case(name, _sentence(rng, other, name, changed), passage, is_changed=True)


def _chosen(rng: random.Random) -> list[tuple[str, _Kind]]:
    return rng.sample(list(_KINDS.items()), rng.randint(2, 5))


def _draw(rng: random.Random, kind: _Kind) -> Value:
    return tuple(rng.choice(each) for each in kind.ranges)


def _changed(rng: random.Random, value: Value, kind: _Kind, known: set[int]) -> Value:
    """`value` with one of its numbers another, which is none of `known`, where there is one."""
    at = rng.randrange(len(value))
    numbers = kind.ranges[at]
    others = _without({value[at], *known}, numbers) or _without({value[at]}, numbers)
    new = rng.choice(others)
    return (*value[:at], new, *value[at + 1 :])


def _without(some: set[int], numbers: range) -> list[int]:
    """`numbers` without `some`, of which there are few. Thousands are not looked at one by one."""
    left = list(numbers)
    for each in sorted((each for each in some if each in numbers), reverse=True):
        del left[numbers.index(each)]
    return left


def _sentence(rng: random.Random, language: str, name: str, value: Value) -> str:
    return rng.choice(_SENTENCES[language]).format(_KINDS[name].write(rng, language, value))
