"""In which sentences of a passage a word stands that has a certain key.

To work out the key of a word costs more than to find the word. So a passage's words are filed by
their first letters, and keys are worked out only of those that begin as a key that is asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from proxy.core.evidence.tokens import Token
from proxy.core.evidence.words import FIRST_WITHOUT_SPACES, MEANINGS, SHORTEST_STEM, key_at


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
        self._read: dict[str, dict[str, dict[int, float]]] = {}
        """By first letters, of those that were asked for: by key, the weight in each sentence."""
        for each in sentences:
            self.add(each)

    def add(self, sentence: Sequence[Token]) -> None:
        """Take in one more sentence. To be done before anything is asked."""
        number, filed = len(self.sentences), self._filed
        self.sentences.append(sentence)
        for at, (_, folded, _, _, is_number) in enumerate(sentence):
            first = key_at(sentence, at)[0] if is_number else folded
            filed[first[:SHORTEST_STEM]].append((number, at))

    def find(self, key: str) -> Places:
        """Where a word has `key`."""
        weights: dict[int, float] = {}
        for first in _first_letters(key):
            if first in self._filed:
                for number, weight in self._keys(first).get(key, {}).items():
                    weights[number] = max(weight, weights.get(number, 0.0))
        if not weights:
            return _NOWHERE
        return Places([n for n in sorted(weights) if weights[n]], frozenset(weights))

    def has(self, key: str) -> bool:
        """Whether any word has `key`, with a weight or without."""
        return bool(self.find(key).every)

    def _keys(self, first: str) -> dict[str, dict[int, float]]:
        """The words that begin so, by key."""
        found = self._read.get(first)
        if found is None:
            found = self._read[first] = {}
            for number, at in self._filed[first]:
                key, weight = key_at(self.sentences[number], at)
                weights = found.setdefault(key, {})
                weights[number] = max(weight, weights.get(number, 0.0))
        return found


def _first_letters(key: str) -> Collection[str]:
    """Where words are filed that may have `key`, and others."""
    found = {key[:SHORTEST_STEM], f"ge{key[:2]}"}  # a German participle has lost its "ge"
    if key in _OF_MEANINGS:
        found |= _OF_MEANINGS[key]
    if key[0] >= FIRST_WITHOUT_SPACES:
        found.add(key[:-1][:SHORTEST_STEM])  # the last sign is the next word's
    return found


def _of_meanings() -> Mapping[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for word, key in MEANINGS.items():
        found[key].add(word[:SHORTEST_STEM])
    return MappingProxyType({key: frozenset(firsts) for key, firsts in found.items()})


_OF_MEANINGS: Final = _of_meanings()
"""The first letters of words that are compared by what they mean: those of "three", for "3"."""
