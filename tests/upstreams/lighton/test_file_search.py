from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.responses.file_search import FileSearch
from proxy.errors import BadRequest
from proxy.upstreams.lighton.file_search import scope_of
from proxy.upstreams.lighton.scope import LightOnScope

EQ = {"type": "eq", "key": "year", "value": 2026}


def search(*stores: str, **more: Any) -> FileSearch:
    return FileSearch(stores or ("ws_42",), param="tools[3]", **more)


def test_its_vector_stores_are_workspaces() -> None:
    assert scope_of(search()) == LightOnScope(workspace_id=(42,))
    assert scope_of(search("ws_42", "ws_0", "ws_42")).workspace_id == (42, 0)


def test_its_limits_are_those_of_a_scope() -> None:
    ranking = {"ranker": "none", "score_threshold": 0.5}
    asked = search(max_results=8, filters=EQ, ranking=ranking)
    assert scope_of(asked) == LightOnScope(
        workspace_id=(42,),
        attribute=("year:2026",),
        max_results=8,
        relevance_scoring="none",
        min_relevance=0.5,
        unknown_relevance="drop",
    )


@pytest.mark.parametrize(
    "store", ["", "ws_", "42", "vs_abc", "ws_-1", "ws_042", "ws_4 2", "ws_٤", "ws_" + "9" * 19]
)
def test_any_other_store_is_refused_with_its_place(store: str) -> None:
    with pytest.raises(BadRequest, match="is no vector store here") as caught:
        scope_of(search("ws_1", store))
    assert caught.value.param == "tools[3].vector_store_ids[1]"


def test_a_ranking_that_is_not_known_is_refused_with_its_place() -> None:
    with pytest.raises(BadRequest) as caught:
        scope_of(search(ranking={"ranker": "best"}))
    assert caught.value.param == "tools[3].ranking_options.ranker"


def test_a_filter_that_cannot_be_said_is_refused_with_its_place() -> None:
    with pytest.raises(BadRequest) as caught:
        scope_of(search(filters={"type": "ne", "key": "year", "value": 2026}))
    assert caught.value.param == "tools[3].filters.type"


@given(ours=st.sets(st.integers(0, 6)), theirs=st.sets(st.integers(0, 6), min_size=1))
def test_a_file_search_never_reaches_beyond_a_profile(ours: set[int], theirs: set[int]) -> None:
    profile = LightOnScope(workspace_id=tuple(sorted(ours | {99})))
    asked = scope_of(search(*(f"ws_{each}" for each in theirs), "ws_99"))
    assert set(profile.narrow(asked).workspace_id or ()) == (ours & theirs) | {99}
