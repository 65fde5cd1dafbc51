"""Full-text search over passages: SQLite FTS5 in memory, ranked by BM25."""

import math
import re
import sqlite3
import threading
import unicodedata
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from proxy.sandbox.stopwords import STOP_WORDS

MOST_TERMS = 32  # a question of 4000 characters is searched by its first words
PREFIX_FROM = 4  # letters from which on a term also finds longer words

_WORD = re.compile(r"[^\W_]\w*")

_CREATE = """
    CREATE VIRTUAL TABLE passage USING fts5(
        content, headings, title,
        content = '',
        tokenize = 'porter unicode61 remove_diacritics 2'
    )
"""
_INSERT = "INSERT INTO passage (rowid, content, headings, title) VALUES (?, ?, ?, ?)"
# A word in a heading counts for three in the text, a word in the title for two.
_RANKED = """
    SELECT rowid, bm25(passage, 1.0, 3.0, 2.0) AS cost FROM passage
    WHERE passage MATCH ? ORDER BY cost, rowid
"""
_HOLDING = "SELECT rowid FROM passage WHERE passage MATCH ?"


@dataclass(frozen=True, slots=True)
class Entry:
    """What of a passage is searched. An entry is found again by its number, counted from 0."""

    content: str
    headings: str
    title: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found. `bm25` is positive, higher is better, without an upper bound.

    `share` is the share of the question's terms that the passage holds; in `coverage` rare terms
    count for more (their BM25 weight). Both lie between 0 and 1.
    """

    number: int
    bm25: float
    share: float
    coverage: float


class Index:
    """May be searched from any thread, one search at a time."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        weakref.finalize(self, self._connection.close)
        self._connection.execute(_CREATE)
        inserted = self._connection.executemany(
            _INSERT,
            (
                (number, entry.content, entry.headings, entry.title)
                for number, entry in enumerate(entries)
            ),
        )
        self._size = max(inserted.rowcount, 0)
        self._connection.commit()

    def search(self, question: str, *, allowed: Callable[[int], bool], limit: int) -> list[Hit]:
        """Return the best passages that hold any term of the question, best BM25 first."""
        terms = search_terms(question)
        if not terms:
            return []
        with self._lock:
            ranked = self._connection.execute(_RANKED, (" OR ".join(map(_quoted, terms)),))
            best = list(islice((row for row in ranked if allowed(row[0])), limit))
            if not best:
                return []
            holding = [self._holding(term) for term in terms]
        weights = [_weight(len(numbers), self._size) for numbers in holding]
        return [_hit(number, -cost, holding, weights) for number, cost in best]

    def _holding(self, term: str) -> frozenset[int]:
        rows = self._connection.execute(_HOLDING, (_quoted(term),))
        return frozenset(number for (number,) in rows)


def search_terms(question: str) -> tuple[str, ...]:
    """Return the words worth searching, each once; every word if all are stop words."""
    words = _WORD.findall(unicodedata.normalize("NFC", question).casefold())
    telling = [word for word in words if _without_accents(word) not in STOP_WORDS] or words
    return tuple(dict.fromkeys(telling))[:MOST_TERMS]


def _without_accents(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def _quoted(term: str) -> str:
    """Write a term as an FTS5 string, in which nothing is an operator.

    A term such as `max_results` becomes a phrase of two words.
    """
    return f'"{term}"*' if len(term) >= PREFIX_FROM else f'"{term}"'


def _weight(holding: int, size: int) -> float:
    return math.log(1 + (size - holding + 0.5) / (holding + 0.5))


def _hit(number: int, bm25: float, holding: list[frozenset[int]], weights: list[float]) -> Hit:
    held = [weight for numbers, weight in zip(holding, weights, strict=True) if number in numbers]
    return Hit(
        number=number,
        bm25=round(bm25, 6),
        share=round(len(held) / len(weights), 6),
        coverage=round(sum(held) / sum(weights), 6),
    )
