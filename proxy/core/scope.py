"""What a search may reach, and how narrower scopes are made of wider ones.

A scope only ever gets narrower: settings, then profile, then request, each one an intersection with
what came before. A field of None means no restriction by that field; an intersection that leaves
nothing raises EmptyScope, because an absent filter means "everything the key can reach" upstream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

from proxy.core.content_types import ContentTypes
from proxy.core.names import FIELD
from proxy.errors import EmptyScope

Retrieval = Literal["tool", "context", "hybrid", "off"]
RelevanceScoring = Literal["scoring_and_filtering", "scoring_only", "none"]
UnknownRelevance = Literal["keep", "drop"]
"""What becomes of a result that has no relevance, where a least one is asked for."""

MAX_RESULTS: Final = 50
"""The most results one search may ask for."""
DEFAULT_RESULTS: Final = 5
_STRICTNESS: Final[Sequence[RelevanceScoring]] = ("none", "scoring_only", "scoring_and_filtering")
_T = TypeVar("_T", int, float)


@dataclass(frozen=True, slots=True)
class Scope:
    """The filters of a search. Lists are OR within a field, fields are AND; attributes are AND."""

    workspace_id: tuple[int, ...] | None = None
    tag_id: tuple[int, ...] | None = None
    file_id: tuple[int, ...] | None = None
    content_type: tuple[str, ...] | None = None
    attribute: tuple[str, ...] | None = None
    max_results: int | None = None
    relevance_scoring: RelevanceScoring | None = None
    min_relevance: float | None = None
    unknown_relevance: UnknownRelevance = "keep"

    def narrow(self, other: Scope) -> Scope:
        """What both scopes allow. Raises EmptyScope when that is nothing."""
        if self == other == _UNLIMITED:
            return self
        return Scope(
            workspace_id=_both("workspace_id", self.workspace_id, other.workspace_id),
            tag_id=_both("tag_id", self.tag_id, other.tag_id),
            file_id=_both("file_id", self.file_id, other.file_id),
            content_type=_both_paths(self.content_type, other.content_type),
            attribute=_all_of(self.attribute, other.attribute),
            max_results=_extreme(min, self.max_results, other.max_results),
            relevance_scoring=_stricter(self.relevance_scoring, other.relevance_scoring),
            min_relevance=_extreme(max, self.min_relevance, other.min_relevance),
            unknown_relevance=(
                "drop" if "drop" in (self.unknown_relevance, other.unknown_relevance) else "keep"
            ),
        )

    @property
    def results_limit(self) -> int:
        """The most results a search in this scope returns."""
        return self.max_results or MAX_RESULTS

    @property
    def results_default(self) -> int:
        """How many results a search returns when nobody says a number."""
        return self.max_results or DEFAULT_RESULTS

    @property
    def scoring(self) -> RelevanceScoring | None:
        """The relevance scoring to ask for: a least relevance needs one to be measured."""
        if self.min_relevance is not None and self.relevance_scoring == "none":
            return "scoring_only"
        return self.relevance_scoring


_UNLIMITED: Final = Scope()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for in its body or its headers: see `Wishes`."""

    scope: Scope = field(default_factory=Scope)
    retrieval: Retrieval | None = None

    def narrow(self, other: Wish) -> Wish:
        """Both wishes' scopes; of two retrieval modes the other's. Raises EmptyScope."""
        return Wish(self.scope.narrow(other.scope), other.retrieval or self.retrieval)


def _both(
    name: str, left: tuple[int, ...] | None, right: tuple[int, ...] | None
) -> tuple[int, ...] | None:
    if left is None and right is None:
        return None
    if left is None or right is None:
        common = left or right or ()
    else:
        wanted = set(right)
        common = tuple(each for each in left if each in wanted)
    return _not_empty(name, tuple(dict.fromkeys(common)))


def _both_paths(
    left: tuple[str, ...] | None, right: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    """Content types are subtrees, so two that overlap meet in the deeper one."""
    if left is None and right is None:
        return None
    if left is None or right is None:
        common = list(left or right or ())
    else:
        common = [
            *filter(ContentTypes(right).cover, left),
            *filter(ContentTypes(left).cover, right),
        ]
    return _not_empty("content_type", tuple(dict.fromkeys(common)))


def _not_empty(name: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    if not values:
        raise EmptyScope(
            f"Nothing is left to search: no {name} is in all of settings, profile and request.",
            param=f"{FIELD}.{name}",
        )
    return values


def _all_of(left: tuple[str, ...] | None, right: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Attributes are ANDed, so every added one narrows."""
    if left is None and right is None:
        return None
    return tuple(dict.fromkeys((*(left or ()), *(right or ()))))


def _stricter(
    left: RelevanceScoring | None, right: RelevanceScoring | None
) -> RelevanceScoring | None:
    given = [each for each in (left, right) if each is not None]
    return max(given, key=_STRICTNESS.index, default=None)


def _extreme(pick: Any, left: _T | None, right: _T | None) -> _T | None:
    given = [each for each in (left, right) if each is not None]
    chosen: _T | None = pick(given, default=None)
    return chosen
