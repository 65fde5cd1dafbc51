"""A long answer with many markers, and how long it takes to find what each stands on."""

from __future__ import annotations

import re
import time
from typing import Final

from proxy.core.evidence.bearing import Source
from proxy.core.evidence.weigh import Mark, weigh
from tests.evidence.pairs import pairs
from tests.support.steps import at_once

_MARKERS: Final = 1_000
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


def seconds_of_a_long_answer() -> float:
    """Processor time of one answer of about 100,000 characters with 1,000 markers."""
    begin = time.process_time()
    at_once(weigh(*long_answer()))
    return time.process_time() - begin
