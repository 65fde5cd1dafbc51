"""What OpenAI's clients ask of a vector store, as LightOn's scopes."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final

from proxy.core.scope import Scope
from proxy.core.stores import StoreTerms
from proxy.errors import BadRequest
from proxy.upstreams.lighton.filters import attributes_of
from proxy.upstreams.lighton.scope import LightOnScope, RelevanceScoring

_OPTIONS: Final = ("ranker", "score_threshold", "hybrid_search")
"""The last one is passed over: how words and meaning are weighed is LightOn's own business."""
_RANKERS: Final = ("auto", "default")
_LONGEST_SHOWN: Final = 80


def _of_workspace(workspace_id: int) -> LightOnScope:
    return LightOnScope(workspace_id=(workspace_id,))


def _reached(scope: Scope, workspaces: AbstractSet[int]) -> AbstractSet[int]:
    if not isinstance(scope, LightOnScope):
        return frozenset()
    allowed = scope.workspace_id
    return workspaces if allowed is None else workspaces & frozenset(allowed)


def _of_filters(filters: object, param: str) -> LightOnScope:
    return LightOnScope(attribute=attributes_of(filters, param) or None)


def ranked(options: object, param: str) -> LightOnScope:
    """OpenAI's `ranking_options`. A threshold keeps out what has no score to compare with it."""
    if options is None:
        return LightOnScope()
    if not isinstance(options, dict):
        raise BadRequest(f"'{param}' must be an object.", param=param)
    for name in options:
        if name not in _OPTIONS:
            known = ", ".join(_OPTIONS)
            param = f"{param}.{name[:_LONGEST_SHOWN]}"
            raise BadRequest(f"'{param}' is not known. Known fields: {known}.", param=param)
    threshold = _threshold(options.get("score_threshold"), f"{param}.score_threshold")
    return LightOnScope(
        relevance_scoring=_scoring(options.get("ranker"), f"{param}.ranker"),
        min_relevance=threshold,
        unknown_relevance="keep" if threshold is None else "drop",
    )


def _scoring(ranker: object, param: str) -> RelevanceScoring | None:
    if ranker == "none":
        return "none"
    if ranker is None or (isinstance(ranker, str) and ranker.startswith(_RANKERS)):
        return None
    raise BadRequest(f"'{param}' must be 'auto', 'none' or a default ranker.", param=param)


def _threshold(value: object, param: str) -> float | None:
    """OpenAI's default is 0, which keeps nothing out."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadRequest(f"'{param}' must be a number from 0 to 1.", param=param)
    return float(value) or None


STORE_TERMS: Final = StoreTerms(_of_workspace, _reached, _of_filters, ranked)
