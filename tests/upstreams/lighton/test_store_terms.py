from __future__ import annotations

from typing import Any

import pytest

from proxy.core.scope import NOTHING
from proxy.errors import BadRequest
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.store_terms import STORE_TERMS


def test_a_store_is_its_workspace_and_filters_are_attributes() -> None:
    assert STORE_TERMS.of_workspace(42) == LightOnScope(workspace_id=(42,))
    wanted = {"type": "eq", "key": "year", "value": 2026}
    assert STORE_TERMS.of_filters(wanted, "f") == LightOnScope(attribute=("year:2026",))
    assert STORE_TERMS.of_filters(None, "f") == LightOnScope()


@pytest.mark.parametrize(
    ("options", "scope"),
    [
        (None, LightOnScope()),
        ({}, LightOnScope()),
        ({"ranker": "auto", "score_threshold": 0}, LightOnScope()),
        ({"ranker": "default-2024-11-15", "hybrid_search": {"text_weight": 1}}, LightOnScope()),
        ({"ranker": "none"}, LightOnScope(relevance_scoring="none")),
        ({"score_threshold": 1}, LightOnScope(min_relevance=1.0, unknown_relevance="drop")),
    ],
)
def test_ranking_options_are_relevance(options: Any, scope: LightOnScope) -> None:
    assert STORE_TERMS.of_ranking(options, "ranking_options") == scope


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ([], "r"),
        ({"threshold": 1}, "r.threshold"),
        ({"ranker": 5}, "r.ranker"),
        ({"ranker": "best"}, "r.ranker"),
        *(({"score_threshold": each}, "r.score_threshold") for each in (-1, 1.5, "0.5", True)),
    ],
)
def test_other_options_are_refused_and_named(options: Any, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        STORE_TERMS.of_ranking(options, "r")
    assert caught.value.param == param


def test_a_scope_reaches_the_workspaces_that_it_names_or_all() -> None:
    some = frozenset({1, 42})
    assert STORE_TERMS.reached(LightOnScope(tag_id=(3,)), some) == some
    assert STORE_TERMS.reached(LightOnScope(workspace_id=(42, 43)), some) == {42}
    assert STORE_TERMS.reached(NOTHING, some) == frozenset()
