from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from proxy.core.scope import Wish
from proxy.core.store_search import MOST_QUERIES, StoreSearch, read_store_search
from proxy.errors import BadRequest
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.store_terms import STORE_TERMS
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import JSON

LONGEST = 20


def read(document: object) -> StoreSearch:
    return read_store_search(document, STORE_TERMS, WISHES, LONGEST)


def test_a_search_by_its_query_alone_takes_ten_results() -> None:
    anything = LightOnScope()
    assert read({"query": " leave "}) == StoreSearch(("leave",), 10, (anything, anything), Wish())


def test_all_that_it_says_is_read() -> None:
    read_ = read(
        {
            "query": ["leave", "pay", "leave"],
            "max_num_results": 50,
            "filters": {"type": "eq", "key": "year", "value": 2026},
            "ranking_options": {"ranker": "auto", "score_threshold": 0.5},
            "rewrite_query": True,
            "lighton": {"tag_id": [3]},
        }
    )
    assert (read_.queries, read_.max_results) == (("leave", "pay"), 50)
    assert read_.narrower == (
        LightOnScope(attribute=("year:2026",)),
        LightOnScope(min_relevance=0.5, unknown_relevance="drop"),
    )
    assert read_.wish.scope == LightOnScope(tag_id=(3,))


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"query": None}, "query"),
        ({"query": " "}, "query"),
        ({"query": 5}, "query"),
        ({"query": []}, "query"),
        ({"query": ["a", ""]}, "query[1]"),
        ({"query": ["a", None]}, "query[1]"),
        ({"query": "x" * (LONGEST + 1)}, "query"),
        ({"query": [str(each) for each in range(MOST_QUERIES + 1)]}, "query"),
        *(({"max_num_results": each}, "max_num_results") for each in (0, 51, True, "5", 2.0)),
        ({"filters": {"type": "ne"}}, "filters.type"),
        ({"ranking_options": {"ranker": "best"}}, "ranking_options.ranker"),
        ({"rewrite_query": "yes"}, "rewrite_query"),
        ({"lighton": {"workspace": 1}}, "lighton.workspace"),
        ({"filter": {}}, "filter"),
        ({"workspace_id": [1]}, "workspace_id"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read({"query": "leave", **changes})
    assert caught.value.param == param


@given(JSON)
def test_whatever_comes_is_read_or_refused(document: object) -> None:
    with pytest.raises(BadRequest):
        read(document)
