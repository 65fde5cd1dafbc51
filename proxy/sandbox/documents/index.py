"""Full-text search over passages: SQLite FTS5 in memory, ranked by BM25."""

import math
import sqlite3
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest

from proxy.sandbox.documents.stopwords import STOP_WORDS
from proxy.sandbox.documents.words import asked, telling, words

MOST_TERMS = 32  # of a long question, only the first words count
PREFIX_FROM = 4  # a term of this many letters also finds longer words

_CREATE = """
    CREATE VIRTUAL TABLE passage USING fts5(
        content, headings, title,
        content = '',
        tokenize = 'porter unicode61 remove_diacritics 2'
    )
"""
_INSERT = "INSERT INTO passage (rowid, content, headings, title) VALUES (?, ?, ?, ?)"
# A word in a heading counts for three in the text, a word in the title for two.
_SCORED = "SELECT rowid, -bm25(passage, 1.0, 3.0, 2.0) FROM passage WHERE passage MATCH ?"


@dataclass(frozen=True, slots=True)
class Entry:
    """The searchable parts of a passage. Its number, counted from 0, identifies an entry."""

    content: str
    headings: str
    title: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A match. `bm25` is above 0, and higher is better; it has no upper bound.

    `share` is the share of the question's terms that the passage holds; in `coverage` rare terms
    count for more (their BM25 weight). Both lie between 0 and 1.
    """

    number: int
    bm25: float
    share: float
    coverage: float


class Index:
    """Safe to search from any thread. Searches run one at a time."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        weakref.finalize(self, self._connection.close)
        self._connection.execute(_CREATE)
        inserted = self._connection.executemany(
            _INSERT,
            (
                (number, *map(_searchable, (entry.content, entry.headings, entry.title)))
                for number, entry in enumerate(entries)
            ),
        )
        self._size = max(inserted.rowcount, 0)
        self._connection.commit()

    def search(self, question: str, *, allowed: Callable[[int], bool], limit: int) -> list[Hit]:
        """Return the best passages that hold any term of the question, best BM25 first."""
        with self._lock:
            terms = [self._term(term) for term in search_terms(question)]
        total = Counter[int]()
        for term in terms:
            total.update(term.scores)
        candidates = ((score, -number) for number, score in total.items() if allowed(number))
        best = nlargest(limit, candidates)
        return [_hit(-negated, score, terms) for score, negated in best]

    def _term(self, term: str) -> "_Term":
        found: dict[int, float] = dict(self._connection.execute(_SCORED, (_quoted(term),)))
        weight = math.log(1 + (self._size - len(found) + 0.5) / (len(found) + 0.5))
        correction = weight / self._weight_in_fts5(len(found))
        return _Term(weight, {number: score * correction for number, score in found.items()})

    def _weight_in_fts5(self, holding: int) -> float:
        """Return the weight that FTS5 gives to a term that so many passages hold.

        It gives next to none to a term that more than half of them hold. In a small folder about
        one subject those are the very words of that subject, so a smoother weight replaces it.
        """
        return max(math.log((self._size - holding + 0.5) / (holding + 0.5)), 1e-6)


@dataclass(frozen=True, slots=True)
class _Term:
    """A term's weight, higher for a rare one, and its share in the BM25 of each passage."""

    weight: float
    scores: Mapping[int, float]


def search_terms(question: str) -> tuple[str, ...]:
    """Return the words worth searching, each once; every word if all are stop words."""
    every = list(asked(question))
    return tuple(dict.fromkeys(telling(every, STOP_WORDS) or every))[:MOST_TERMS]


def _searchable(text: str) -> str:
    return " ".join(words(text))


def _quoted(term: str) -> str:
    """Write a term as an FTS5 string, in which nothing is an operator.

    A term such as `max_results` becomes a phrase of two words.
    """
    return f'"{term}"*' if len(term) >= PREFIX_FROM else f'"{term}"'


def _hit(number: int, bm25: float, terms: Sequence[_Term]) -> Hit:
    held = [term.weight for term in terms if number in term.scores]
    return Hit(
        number=number,
        bm25=bm25,
        share=len(held) / len(terms),
        coverage=sum(held) / sum(term.weight for term in terms),
    )
