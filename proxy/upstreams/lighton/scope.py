"""LightOn's filters: what a search may reach, in the terms of its API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

from proxy.core.scope import all_of, any_of, any_subtree_of, highest, lowest, strictest
from proxy.upstreams.lighton.content_types import cover

RelevanceScoring = Literal["scoring_and_filtering", "scoring_only", "none"]
UnknownRelevance = Literal["keep", "drop"]
"""What happens to a result without a relevance score where the scope sets a minimum."""

MAX_RESULTS: Final = 50
"""The most results one search may ask for."""
DEFAULT_RESULTS: Final = 5
_SCORING: Final[Sequence[RelevanceScoring]] = ("none", "scoring_only", "scoring_and_filtering")


@dataclass(frozen=True, slots=True)
class LightOnScope:
    """A `Scope`. Lists are OR within a field, fields are AND; attributes are AND."""

    workspace_id: tuple[int, ...] | None = None
    tag_id: tuple[int, ...] | None = None
    file_id: tuple[int, ...] | None = None
    content_type: tuple[str, ...] | None = None
    attribute: tuple[str, ...] | None = None
    max_results: int | None = None
    relevance_scoring: RelevanceScoring | None = None
    min_relevance: float | None = None
    unknown_relevance: UnknownRelevance = "keep"

    def narrow(self, other: LightOnScope) -> LightOnScope:
        """What both scopes allow. Raises EmptyScope when that is nothing."""
        if self == other == _UNLIMITED:
            return self
        return LightOnScope(
            workspace_id=any_of("workspace_id", self.workspace_id, other.workspace_id),
            tag_id=any_of("tag_id", self.tag_id, other.tag_id),
            file_id=any_of("file_id", self.file_id, other.file_id),
            content_type=any_subtree_of(
                "content_type", self.content_type, other.content_type, cover
            ),
            attribute=all_of(self.attribute, other.attribute),
            max_results=lowest(self.max_results, other.max_results),
            relevance_scoring=strictest(_SCORING, self.relevance_scoring, other.relevance_scoring),
            min_relevance=highest(self.min_relevance, other.min_relevance),
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
        """How many results a search returns if its call names no number."""
        return self.max_results or DEFAULT_RESULTS

    @property
    def identity(self) -> Mapping[str, object]:
        """All fields. No list has an order that matters, or counts an entry twice."""
        return {
            name: sorted(set(value)) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @property
    def summary(self) -> str:
        """What it reaches, in a few words for the operator."""
        return f"workspaces {', '.join(map(str, self.workspace_id or ())) or 'all'}"

    @property
    def scoring(self) -> RelevanceScoring | None:
        """The relevance scoring to ask for. A minimum needs scores to compare with."""
        if self.min_relevance is not None and self.relevance_scoring == "none":
            return "scoring_only"
        return self.relevance_scoring


def scope_in(identity: Mapping[str, object]) -> LightOnScope | None:
    """The scope of this `identity`; None if it is of another kind, or version."""
    fields = {name: tuple(v) if isinstance(v, list) else v for name, v in identity.items()}
    try:
        return LightOnScope(**fields)  # type: ignore[arg-type]  # they were a scope's
    except TypeError:
        return None


_UNLIMITED: Final = LightOnScope()
