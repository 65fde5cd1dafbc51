"""The words of a sentence as they are compared: stems with weights, numbers by their value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from proxy.core.evidence.lexicon import word_set
from proxy.core.evidence.numbers import readings, value_of
from proxy.core.evidence.numerals import NUMBERS, UNSURE
from proxy.core.evidence.stopwords import STOP_WORDS
from proxy.core.evidence.tokens import Token
from proxy.core.evidence.units import MONTHS

NUMBER_WEIGHT: Final = 2.5
NAME_WEIGHT: Final = 1.6
WORD_WEIGHT: Final = 1.0
SHORT_WEIGHT: Final = 0.6
_CLAUSE_ENDS: Final = frozenset(",;:\u2014\u2013()!?.")
_SHORT: Final = 3
_LONGEST_STEM: Final = 7
SHORTEST_STEM: Final = 4
_PARTICIPLE: Final = 8
FIRST_WITHOUT_SPACES: Final = "\u3040"
"""From here on are the writings of Chinese, Japanese and Korean: two signs are like a word."""
_ENDINGS: Final = word_set(
    # English
    "ations ation ating ated ates ate izing ized izes ize ising ised ise ings ing edly ed ies ied",
    "es s ly ment ments able ible ability ness er ers or ors al y e",
    # German
    "ungen ung lich liche lichen licher en ern em n heit keit t st te ten",
    # French
    "isee isees iser ement ements ions ion tions tion ee ees ez ent ait aient ive if ives",
    # Spanish
    "ciones cion mente ados adas ado ada idos idas ido ida os as o a ar ir an",
    # Italian
    "zioni zione ati ata ato iti ita ite ito i are ere ire ano ono",
)
_LONGEST_ENDING: Final = max(map(len, _ENDINGS))
_VALUES: Final = {word: str(value) for word, value in NUMBERS.items() if word not in UNSURE}
_KNOWN: Final[Mapping[str, tuple[str, float]]] = MappingProxyType(
    {word: (word, 0.0) for word in STOP_WORDS}
    | {word: (value, NUMBER_WEIGHT) for word, value in _VALUES.items()}
)
"""Words that have no stem, with their key and weight."""


def _month(word: str) -> str:
    return f"month {MONTHS[word]}"


MEANINGS: Final = MappingProxyType({word: _month(word) for word in MONTHS} | _VALUES)
"""The keys of words that are compared by what they mean; those of months are only for capitals."""


class Word(NamedTuple):
    """A word that is compared by `key`; its weight is 0 if it says nothing by itself."""

    key: str
    weight: float
    token: Token
    clause: int
    """The number of its clause, which commas and the like end."""


def words_of(text: str, tokens: Sequence[Token], clause: int = 0) -> list[Word]:
    """The words of a sentence of `text`, of its tokens, in their order.

    Its first clause has the number `clause`.
    """
    found: list[Word] = []
    end = tokens[0].start if tokens else 0
    for at, token in enumerate(tokens):
        if token.start - end > 1:
            clause += not _CLAUSE_ENDS.isdisjoint(text[end : token.start])
        end = token.end
        found.append(Word(*key_at(tokens, at), token, clause))
    return found


def key_at(tokens: Sequence[Token], at: int) -> tuple[str, float]:
    """What a word of a sentence, of its tokens, is compared by, and its weight."""
    text, folded, _, _, is_number = tokens[at]
    if folded >= FIRST_WITHOUT_SPACES:
        return folded + (tokens[at + 1].folded[:1] if at + 1 < len(tokens) else ""), SHORT_WEIGHT
    if is_number:
        found = readings(text)
        # Of two readings the first is compared; both sides write the same number alike, mostly.
        return value_of(*found[0]) if found else text, NUMBER_WEIGHT
    if (known := _KNOWN.get(folded)) is not None:
        return known
    is_capital = text[0].isupper()
    if is_capital and folded in MONTHS:
        return _month(folded), NAME_WEIGHT
    if (is_capital and at) or not (text[1:].islower() or len(text) == 1):
        return stem(folded), NAME_WEIGHT
    return stem(folded), SHORT_WEIGHT if len(folded) <= _SHORT else WORD_WEIGHT


def stem(folded: str) -> str:
    """What a word shares with its other forms, near enough: no language is asked for."""
    if len(folded) >= _PARTICIPLE and folded.startswith("ge") and folded.endswith(("t", "en")):
        folded = folded[2:]  # German: gekündigt, Kündigung
    for length in range(min(_LONGEST_ENDING, len(folded) - SHORTEST_STEM), 0, -1):
        if folded[-length:] in _ENDINGS:
            return folded[:-length][:_LONGEST_STEM]
    return folded[:_LONGEST_STEM]
