"""Citation markers in every form that models write: which passages a bracket names.

`[1]` `[1, 2]` `[1; 2]` `[[1]]` `[1-3]` `[^1]` `［1］` `【1】` `【10:13†source】` `[passage 3]`
`[Sources: 1, 3]` `[n=3]` `[see 3]` `[3, p. 4]`, and what is made of these.

A bracket's text is a row of numbers, each with what it is called, if anything. What is called a
page or the like is a place in the passage before it, and so are bare numbers right after a place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from proxy.core.text.window import Wait, Window

LONGEST: Final = 80
"""A marker has at most so many characters."""

_MOST_OF_A_RANGE: Final = 50

_BRACKET: Final = re.compile(
    r"\[\[(?P<double>[^\[\]【】［］]{1,80})\]\]"
    r"|\[(?P<square>[^\[\]【】［］]{1,80})\]"
    r"|【(?P<lenticular>[^\[\]【】［］]{1,80})】"
    r"|［(?P<wide>[^\[\]【】［］]{1,80})］"
)
_OPENING: Final = re.compile(r"(?:\[\[?|【|［)[^\[\]【】［］]*\]?")
_LIKELY: Final = re.compile(r"[\[【［][^\[\]【】［］]{1,80}[\]】］]")

_DASH: Final = r"[-\u2010-\u2015\u2212~〜～]"
_NUMBER: Final = r"(?!0\d)\d{1,4}(?!\d)"
_LABEL: Final = (
    r"(?:passages?|passagen?|passaggio?|pasajes?|sources?|quellen?|fonti|fonte|fontes|fuentes?"
    r"|docs?|documents?|documentos?|dokumente?|documenti|refs?|references?|références?|réfs?"
    r"|extraits?|fragment(?:os|o|s|e)?|chunks?|results?|bron|bronnen|belege?|textstellen?|stellen?"
    r"|zitate?|citations?|cites?|citas?|citazion[ei]|bran[io]|estratt[io]|extractos?"
    r"|see|also|voir|aussi|siehe|auch|vgl|cf|ver|vedi|véase|#|\^)"
)
_COUNT: Final = r"(?:numbers?|nummer|num|nr|no|n°|nº|n|№)"
"""What may count passages, and after a passage's number what stands in it."""
_PLACE: Final = (
    r"(?:pp|pgs|pages?|págs?|páginas?|pagin[ae]|pg|pag|p|seiten?|ss|s|str|sections?|sect|sec"
    r"|abschnitte?|absatz|absätze|abs|art|articles?|artikel|artículos?|articol[io]|chapters?|chap"
    r"|ch|kapitel|kap|chapitres?|capítulos?|capitol[io]|cap|lines?|lignes?|líneas?|zeilen?|l"
    r"|paragraphs?|paragraphes?|paragraph[ei]n?|paragraf[io]|párrafos?|párr|para|par|ziffern?|ziff"
    r"|rn|rz|randnummern?|punkte?|puntos?|punt[io]|points?|apartados?|alinéas?|al|satz|sätze"
    r"|tables?|tabellen?|tab|tableaux?|tablas?|figures?|fig|abb|anhang|anlagen?|annex|annexes?"
    r"|anexos?|appendix|§§?)"
)
_CALLED: Final = rf"(?:{_LABEL}\.?[\s:=#_\-]{{0,3}}){{0,3}}(?:(?P<count>{_COUNT})[\s.:=#]{{0,3}})?"
_RANGE: Final = (
    rf"(?:\s{{0,2}}{_DASH}\s{{0,2}}(?P<last>{_NUMBER})"
    rf"|\s{{1,2}}(?:to|bis|à|al?)\s{{1,2}}(?P<until>{_NUMBER}))?"
)
_ITEM: Final = re.compile(
    rf"\s{{0,3}}\*{{0,2}}{_CALLED}[\"'“”„]?(?P<first>{_NUMBER}){_RANGE}"
    r"(?::\d{1,4}(?=†))?(?:†[^,;]{0,40})?[\"'“”]?\*{0,2}\s{0,3}",
    re.IGNORECASE,
)
_IN_PASSAGE: Final = re.compile(
    rf"\s{{0,2}}[,:;]?\s{{0,2}}\(?{_PLACE}\.?\s{{0,2}}\d{{1,5}}(?:\.\d{{1,3}}){{0,3}}"
    rf"(?:\s{{0,2}}{_DASH}\s{{0,2}}\d{{1,5}})?(?:\s?ff?\b\.?)?\)?\s{{0,3}}",
    re.IGNORECASE,
)
_AND: Final = r"(?:and|und|et|e|y|en|or|ou|oder|o)\s"
_SEPARATOR: Final = re.compile(
    rf"[,;、，；&/]\s{{0,3}}(?:{_AND})?|{_AND}|(?<=\s)(?=\d)", re.IGNORECASE
)
_ENDS_PLACES: Final = frozenset(";；")


class Bracket(NamedTuple):
    """A bracket that has the form of a marker."""

    end: int
    numbers: tuple[int, ...]
    """Of passages, each once, in the order they stand there."""
    kind: str
    """"double", "square", "lenticular" or "wide"."""
    text: str
    """Between the brackets."""


def read_bracket(window: Window, at: int) -> Bracket | Wait | None:
    """The marker at `at`, where a bracket opens; None if it is none."""
    most = LONGEST + 4
    end = window.end(at, most)
    match = _BRACKET.match(window.text, at, end)
    if match is None:
        opening = _OPENING.match(window.text, at, end)
        if opening and opening.end() == end and window.may_grow(at, most):
            return Wait("[]【】［］", most)
        return None
    kind = match.lastgroup or ""
    numbers = _numbers(match[kind])
    return Bracket(match.end(), numbers, kind, match[kind]) if numbers else None


def brackets_in(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, Bracket]]:
    """The markers in a whole text, and where each begins; of a double one, the inner."""
    window = Window(text, final=True)
    for match in _LIKELY.finditer(text, start, len(text) if end is None else end):
        bracket = read_bracket(window, match.start())
        if isinstance(bracket, Bracket):
            yield match.start(), bracket


def _numbers(text: str) -> tuple[int, ...]:
    """The passages that a bracket's text names; none if it says anything else."""
    found: dict[int, None] = {}
    place = 0
    is_counted = is_after_place = False
    while item := _ITEM.match(text, place):
        end = _skip_places(text, item.end())
        is_count = item["count"] is not None
        is_bare = item[0].lstrip()[0].isdecimal() and end == item.end()
        is_place = (is_count and found and not is_counted) or (is_bare and is_after_place)
        if not is_place:
            numbers = _range(item)
            if not numbers:
                return ()
            found.update(dict.fromkeys(numbers))
            is_counted = is_count
        if end == len(text):
            return tuple(found)
        separator = _SEPARATOR.match(text, end)
        if separator is None:
            return ()
        is_after_place = (is_place or end > item.end()) and separator[0][:1] not in _ENDS_PLACES
        place = separator.end()
    return ()


def _skip_places(text: str, at: int) -> int:
    """Past what says where in the passage: `, p. 4, p. 5`."""
    while match := _IN_PASSAGE.match(text, at):
        at = match.end()
    return at


def _range(item: re.Match[str]) -> range:
    first = int(item["first"])
    last = int(item["last"] or item["until"] or first)
    return range(first, last + 1) if last - first <= _MOST_OF_A_RANGE else range(0)
