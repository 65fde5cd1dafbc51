"""In which sentences of a passage a word stands that has a certain key.

To work out the key of a word costs more than to find the word. So a passage's words are filed by
their first letters, and keys are worked out only of those that begin as a key that is asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from proxy.core.evidence.tokens import Token
from proxy.core.evidence.words import FIRST_WITHOUT_SPACES, MEANINGS, SHORTEST_STEM, key_at

_NUMBER: Final = "#"
"""Where numbers in digits are filed: "1.234" and "1,234" may be one key."""


class Places(NamedTuple):
    """The numbers of the sentences in which a key stands."""

    counted: Sequence[int]
    """Those where it has a weight, in their order."""
    every: frozenset[int]


_NOWHERE: Final = Places((), frozenset())


class Index:
    """Sentences and where their words stand."""

    def __init__(self, *sentences: Sequence[Token]) -> None:
        self.sentences: list[Sequence[Token]] = []
        self._filed: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        """By first letters: the numbers of sentences, and which of their words it is."""
        for each in sentences:
            self.add(each)

    def add(self, sentence: Sequence[Token]) -> None:
        """Take in one more sentence."""
        number, filed = len(self.sentences), self._filed
        self.sentences.append(sentence)
        for at, (_, folded, _, _, is_number) in enumerate(sentence):
            filed[_NUMBER if is_number else folded[:SHORTEST_STEM]].append((number, at))

    def find(self, key: str) -> Places:
        """Where a word has `key`."""
        weights: dict[int, float] = {}
        for first in _first_letters(key):
            for number, at in self._filed.get(first, ()):
                own, weight = key_at(self.sentences[number], at)
                if own == key:
                    weights[number] = max(weight, weights.get(number, 0.0))
        if not weights:
            return _NOWHERE
        return Places([n for n in sorted(weights) if weights[n]], frozenset(weights))

    def has(self, key: str) -> bool:
        """Whether any word has `key`, with a weight or without."""
        return bool(self.find(key).every)


def _first_letters(key: str) -> Iterator[str]:
    """Where words are filed that may have `key`, and others."""
    yield key[:SHORTEST_STEM]
    yield f"ge{key[:2]}"  # a German participle, of which the key lacks the "ge"
    yield from _OF_MEANINGS.get(key, ())
    if not key[0].isalpha():
        yield _NUMBER
    elif key[0] >= FIRST_WITHOUT_SPACES:
        yield key[:-1][:SHORTEST_STEM]  # the last sign is the next word's


def _of_meanings() -> Mapping[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for word, key in MEANINGS.items():
        found[key].add(word[:SHORTEST_STEM])
    return MappingProxyType({key: frozenset(firsts) for key, firsts in found.items()})


_OF_MEANINGS: Final = _of_meanings()
"""The first letters of words that are compared by what they mean: those of "three", for "3"."""
