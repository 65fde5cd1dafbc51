"""How long it takes to find what the markers of an answer stand on."""

from __future__ import annotations

import re
import time
from typing import Final

from proxy.core.evidence.bearing import Source
from proxy.core.evidence.shelf import Shelf
from proxy.core.evidence.weigh import Mark, weigh
from tests.evidence.pairs import pairs
from tests.support.steps import at_once

_MARKERS: Final = 1_000
_PASSAGE: Final = 1_200
_TIMES: Final = 100
_CHARACTERS: Final = 100
"""Of a sentence with its marker."""


def long_answer(markers: int = _MARKERS) -> tuple[str, list[Mark], dict[int, Source]]:
    """An answer of so many sentences with a marker each, its marks, and what they cite."""
    given = list(pairs())
    passages = list(dict.fromkeys(each.passage for each in given))
    sources = {number: Source(text) for number, text in enumerate(passages)}
    texts = []
    for number in range(markers):
        sentence = given[number % len(given)].sentence.removesuffix(".")
        texts.append(f"{sentence} [{number}].".rjust(_CHARACTERS - 1))
    text = " ".join(texts)
    marks = [
        Mark(*each.span(), passage=int(each[1]) % len(sources))
        for each in re.finditer(r"\[(\d+)\]", text)
    ]
    return text, marks, sources


def short_answer() -> tuple[str, list[Mark], list[str]]:
    """An answer with three citations, its marks, and three passages of about 1.2 kB."""
    given = [each for each in pairs() if each.language == "English"]
    every = "\n".join(dict.fromkeys(each.passage for each in given))
    cited = list({each.passage: each for each in reversed(given)}.values())
    passages = [f"{each.passage}\n{every * 2}"[:_PASSAGE] for each in cited]
    text = " ".join(
        f"{each.sentence.removesuffix('.')} [{number}]." for number, each in enumerate(cited)
    )
    marks = [Mark(*each.span(), passage=int(each[1])) for each in re.finditer(r"\[(\d+)\]", text)]
    return text, marks, passages


def seconds_of_a_short_answer(shelf: Shelf) -> float:
    """Processor time of an answer with three citations, the least of many."""
    text, marks, passages = short_answer()
    return min(_seconds(text, marks, passages, shelf) for _ in range(_TIMES))


def _seconds(text: str, marks: list[Mark], passages: list[str], shelf: Shelf) -> float:
    begin = time.process_time()
    sources = {n: at_once(shelf.source(each, "Lease")) for n, each in enumerate(passages)}
    at_once(weigh(text, marks, sources))
    return time.process_time() - begin


def seconds_of_a_long_answer() -> float:
    """Processor time of one answer of about 100,000 characters with 1,000 markers."""
    begin = time.process_time()
    at_once(weigh(*long_answer()))
    return time.process_time() - begin
