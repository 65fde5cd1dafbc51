"""Whether a sentence says the opposite of what a passage says, as far as words show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from proxy.core.evidence.opposites import (
    ALWAYS,
    BEFORE_MAY,
    LIKE_ALWAYS,
    LIMITS,
    NEGATIONS,
    OPPOSITES,
    RESTRICTIONS,
)
from proxy.core.evidence.words import Word

_NEAR: Final = 12
_SCOPE: Final = 4
"""How many words with weight a denial is about: those behind it, or else those before."""
_PREFIXES: Final = ("un", "in", "im", "non", "dis", "il", "ir", "de")
_SHORTEST_ROOT: Final = 5


class Denial(NamedTuple):
    """What a "not" or an "only" is about, in stems."""

    first: frozenset[str]
    """The word behind it; the word before it, if none is behind."""
    scope: frozenset[str]


class Stance(NamedTuple):
    """What a text affirms, denies and restricts, by its words."""

    words: frozenset[str]
    """All words, folded."""
    keys: frozenset[str]
    """The stems of the words that have a weight."""
    denials: tuple[Denial, ...]
    limits: tuple[Denial, ...]
    """As the denials, for "only"."""


def stance_of(words: Sequence[Word]) -> Stance:
    """The stance of a sentence or two."""
    folded = [each.token.folded for each in words]
    return Stance(
        frozenset(folded),
        frozenset(each.key for each in words if each.weight),
        tuple(_denial(words, at) for at in range(len(words)) if _denies(words, folded, at)),
        tuple(_denial(words, at) for at in range(len(words)) if _restricts(folded, at)),
    )


def _denies(words: Sequence[Word], folded: Sequence[str], at: int) -> bool:
    word = folded[at]
    following = folded[at + 1] if at + 1 < len(words) else ""
    before = folded[at - 1] if at else ""
    if word == "t" and before == "can":
        return True
    if word not in NEGATIONS or following in LIMITS:
        return False
    if word == "no":
        return not (at + 1 < len(words) and words[at + 1].token.is_number)
    if word == "mai":
        return before not in BEFORE_MAY and not (before[-1:].isdigit() or following[:1].isdigit())
    return True


def _restricts(folded: Sequence[str], at: int) -> bool:
    before = folded[at - 1] if at else ""
    return folded[at] in RESTRICTIONS and before not in NEGATIONS


def _denial(words: Sequence[Word], at: int) -> Denial:
    clause = words[at].clause
    behind = [w.key for w in words[at + 1 : at + _NEAR] if w.weight and w.clause == clause]
    before = [w.key for w in words[max(0, at - _NEAR) : at] if w.weight and w.clause == clause]
    if behind:
        # In German the verb that is denied may stand before: "Die Kosten trägt nicht der Kunde".
        more = before[-_SCOPE:] if words[at].token.folded == "nicht" else []
        return Denial(frozenset(behind[:1]), frozenset([*behind[:_SCOPE], *more]))
    return Denial(frozenset(before[-1:]), frozenset(before[-_SCOPE:]))


def opposes(claim: Stance, passage: Stance) -> bool:
    """Whether the two differ in a word that turns the meaning round."""
    return (
        _denial_differs(claim, passage)
        or _limit_differs(claim, passage)
        or (not claim.words.isdisjoint(ALWAYS) and passage.words.isdisjoint(LIKE_ALWAYS))
        or _has_opposite(claim, passage)
        or _has_prefix(claim.words, passage.words)
        or _has_prefix(passage.words, claim.words)
    )


def _denial_differs(claim: Stance, passage: Stance) -> bool:
    if not passage.denials:
        return bool(claim.denials)
    if not claim.denials:
        return not _scope(passage.denials).isdisjoint(claim.keys)
    return _is_affirmed(claim.denials, passage) or _is_affirmed(passage.denials, claim)


def _is_affirmed(denials: Iterable[Denial], other: Stance) -> bool:
    """Whether the other text has a word that is denied here, and denies it nowhere."""
    denied = _scope(other.denials)
    return any(
        each.first and each.first <= other.keys and each.first.isdisjoint(denied)
        for each in denials
    )


def _limit_differs(claim: Stance, passage: Stance) -> bool:
    if claim.limits:
        return not passage.limits and not passage.denials
    return not claim.denials and not _scope(passage.limits).isdisjoint(claim.keys)


def _scope(denials: Iterable[Denial]) -> frozenset[str]:
    return frozenset(key for each in denials for key in each.scope)


def _has_opposite(claim: Stance, passage: Stance) -> bool:
    own, others = claim.words - passage.words, passage.words - claim.words
    return any(
        word in OPPOSITES
        and not others.isdisjoint(OPPOSITES[word])
        and claim.words.isdisjoint(OPPOSITES[word])
        for word in own
    )


def _has_prefix(words: frozenset[str], others: frozenset[str]) -> bool:
    """Whether one of `words` stands among `others` only with a prefix that denies it."""
    return any(
        f"{prefix}{word}" in others
        for word in words - others
        if len(word) >= _SHORTEST_ROOT
        for prefix in _PREFIXES
        if f"{prefix}{word}" not in words
    )
