"""What in a passage bears out a sentence: the words that stand there, and how well they do.

No model is asked. A sentence and a passage are compared by their words: numbers and names count
most, words such as "the" nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from typing import Final, Literal, NamedTuple, Self

from proxy.core.evidence.held import Held, figures_of, missing_from
from proxy.core.evidence.index import Index, Places
from proxy.core.evidence.polarity import opposes, stance_of
from proxy.core.evidence.sentences import Span, sentences_of_passage
from proxy.core.evidence.tokens import Token, tokenize
from proxy.core.evidence.words import Word, words_of
from proxy.tasks import Steps

Support = Literal["exact", "close", "weak", "none"]

CLOSE: Final = 0.55
"""The part of a sentence's weight that its passage holds at least, if it supports it."""
WEAK: Final = 0.25
_ELSEWHERE: Final = 0.7
"""What a word counts that stands in the passage, but not in the quote."""
_LONG: Final = 4_000
"""The figures of a longer passage are read as its sentences are, in characters."""
_SECOND: Final = 0.2
"""What a second sentence adds at least, in parts of the weight, to be quoted with the first."""
_MOST_PLACES: Final = 64
"""A word that stands in more sentences than this tells none from the others."""


_CLAUSE_WORDS: Final = 3
_CLAUSE_HELD: Final = 0.25
"""A clause of so many words or more must be held by more than this part."""
_BESIDE: Final = 3
"""How many words around a verbatim sentence are looked at."""
_START: Final = attrgetter("start")
_AT_ONCE: Final = 2_000
"""So many characters of a passage are read without a pause: some 10 ms of processor time."""


class Evidence(NamedTuple):
    """What bears out a sentence: `quote` stands in the passage as it is, "" without support."""

    quote: str
    support: Support


_ORDER: Final[tuple[Support, ...]] = ("exact", "close", "weak", "none")
NOTHING: Final = Evidence("", "none")


class Claim:
    """A sentence of an answer that is cited for, as plain text."""

    def __init__(self, sentence: str) -> None:
        tokens = tokenize(sentence)
        self.figures = figures_of(sentence, tokens)
        self.words = words_of(sentence, tokens)
        self.stance = stance_of(self.words)
        self.weights: dict[str, float] = {}
        for word in self.words:
            if word.weight:
                self.weights[word.key] = max(word.weight, self.weights.get(word.key, 0.0))
        self.total = sum(self.weights.values())
        self.keys_of_figures = [
            (figure, {w.key for w in self.words if figure.start <= w.token.start < figure.end})
            for _, figure in self.figures
        ]
        self.run = _run(self.words)


class Source:
    """A passage, split into sentences once for all that it is cited for.

    Its `title` holds figures and words as the passage does, but is never quoted.
    """

    def __init__(self, text: str, title: str = "") -> None:
        self._text = text
        self._title = title
        self._spans: list[Span] = []
        self._index = Index()
        self._index_of_title = Index(tokenize(title))
        self._held: Held | None = None
        self._tokens: list[list[Token]] = []
        """Those whose figures have not been read."""
        for spans in _batches(text):
            self._add(spans)

    @classmethod
    def in_steps(cls, text: str, title: str = "") -> Steps[Self]:
        """A passage, which may be long."""
        source = cls("", title)
        source._text = text
        for spans in _batches(text):
            source._add(spans)
            yield
        return source

    def _add(self, spans: Sequence[Span]) -> None:
        """Take in sentences that follow one another."""
        tokens = tokenize(self._text, spans[0][0], spans[-1][1])
        self._tokens.append(tokens)
        if len(self._text) > _LONG:
            _ = self.held  # bit by bit, as reading all of it at once would take long
        begin = 0
        for _, end in spans:
            after = bisect_left(tokens, end, begin, key=_START)
            self._index.add(tokens[begin:after])
            begin = after
        self._spans += spans

    @property
    def held(self) -> Held:
        """The figures of the passage. They are read when a sentence has some to be compared."""
        if self._held is None:
            self._held = Held(self._title)
        for tokens in self._tokens:
            self._held.add(self._text, tokens)
        self._tokens.clear()
        return self._held

    def for_sentence(self, sentence: str) -> Evidence:
        """What in the passage bears out `sentence`; of several, the one it bears out least."""
        found = [
            self.for_claim(claim, is_whole=not missing_from(claim.figures, [self.held]))
            for start, end in sentences_of_passage(sentence)
            if (claim := Claim(sentence[start:end])).total
        ]
        return max(found, key=lambda each: _ORDER.index(each.support), default=NOTHING)

    def for_claim(self, claim: Claim, *, is_whole: bool) -> Evidence:
        """As `for_sentence`; `is_whole` says whether all its figures are held."""
        if not claim.total or not self._spans:
            return NOTHING
        places = {key: self._index.find(key) for key in claim.weights}
        first, last = self._best(claim, places)
        quote = self._text[self._spans[first][0] : self._spans[last][1]]
        known = {key for key in places if places[key].counted or self._index_of_title.has(key)}
        coverage = self._coverage(claim, places, known, range(first, last + 1))
        if coverage < WEAK:
            return NOTHING
        if coverage < CLOSE or not is_whole or _lacks_clause(claim, known):
            return Evidence(quote, "weak")
        words = self._words(first, last)
        verbatim = _verbatim(claim, words)
        if opposes(claim.stance, stance_of(verbatim or words)):
            return Evidence(quote, "weak")
        return Evidence(quote, "exact" if verbatim else "close")

    def _best(self, claim: Claim, places: Mapping[str, Places]) -> tuple[int, int]:
        """The first and the last of the one or two sentences that share most with the claim."""
        scores: defaultdict[int, float] = defaultdict(float)
        for key, weight in claim.weights.items():
            for number in islice(places[key].counted, _MOST_PLACES):
                scores[number] += weight
        if not scores:
            return 0, 0
        sentences = self._index.sentences
        best = max(scores, key=lambda number: (scores[number], -len(sentences[number])))
        alone = _shared(claim, places, [best])
        gains: dict[int, float] = {
            other: _shared(claim, places, [best, other]) - alone
            for other in (best - 1, best + 1)
            if 0 <= other < len(self._spans)
        }
        other = max(gains, key=gains.__getitem__, default=best)
        if gains.get(other, 0.0) < _SECOND * claim.total:
            return best, best
        return min(best, other), max(best, other)

    def _coverage(
        self,
        claim: Claim,
        places: Mapping[str, Places],
        known: Container[str],
        quoted: Sequence[int],
    ) -> float:
        counted = {
            key for figure, keys in claim.keys_of_figures if self.held.holds(figure) for key in keys
        }
        held = 0.0
        for key, weight in claim.weights.items():
            if not places[key].every.isdisjoint(quoted):
                held += weight
            elif key in known or key in counted:
                held += weight * _ELSEWHERE
        return held / claim.total

    def _words(self, first: int, last: int) -> list[Word]:
        """The words of sentences that follow one another, of which no two share a clause."""
        found: list[Word] = []
        for tokens in self._index.sentences[first : last + 1]:
            found += words_of(self._text, tokens, found[-1].clause + 1 if found else 0)
        return found


def _shared(claim: Claim, places: Mapping[str, Places], numbers: Sequence[int]) -> float:
    """The weight of the words that the claim shares with sentences."""
    return sum(
        weight for key, weight in claim.weights.items() if not places[key].every.isdisjoint(numbers)
    )


def _lacks_clause(claim: Claim, known: Container[str]) -> bool:
    """Whether the passage holds next to nothing of a clause, as of what is added to a list."""
    clauses: defaultdict[int, set[str]] = defaultdict(set)
    for word in claim.words:
        if word.weight:
            clauses[word.clause].add(word.key)
    return any(
        len(keys) >= _CLAUSE_WORDS and sum(key in known for key in keys) <= _CLAUSE_HELD * len(keys)
        for keys in clauses.values()
    )


def _batches(text: str) -> Iterator[list[Span]]:
    """The sentences of a passage, about _AT_ONCE characters at a time."""
    batch: list[Span] = []
    for span in sentences_of_passage(text):
        batch.append(span)
        if span[1] - batch[0][0] >= _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def find_evidence(sentence: str, passage: str) -> Evidence:
    """What in `passage` bears out `sentence`.

    Many sentences of one passage are better asked of one `Source`.
    """
    return Source(passage).for_sentence(sentence)


def _verbatim(claim: Claim, words: Sequence[Word]) -> Sequence[Word]:
    """The words of the claim where they stand one after the other, with those beside them.

    Empty if they do not. A "not" just before or behind turns round what stands there word for word.
    """
    run = _run(words)
    place = run.find(claim.run)
    if place < 0:
        return ()
    first = run.count(" ", 0, place)
    return words[max(0, first - _BESIDE) : first + len(claim.words) + _BESIDE]


def _run(words: Sequence[Word]) -> str:
    """The words one after the other, to see whether they stand so in another text."""
    return " ".join(["", *(each.token.folded for each in words), ""])
