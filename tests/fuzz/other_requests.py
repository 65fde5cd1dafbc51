"""Requests for which no model writes: searches in a store, lists, files, embeddings, rankings."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.fuzz.requests import Good, Requests
from tests.fuzz.upstream import answering_proxy

_FILTERS: Final[dict[str, Any]] = {
    "type": "and",
    "filters": [
        {"type": "in", "key": "year", "value": [2024, 2025.5, "x"]},
        {"type": "and", "filters": [{"type": "lt", "key": "pages", "value": 3}]},
        {
            "type": "or",
            "filters": [{"type": "eq", "key": "author", "value": each} for each in ("ann", "bob")],
        },
    ],
}
_GOOD: Final = (
    Good("POST /v1/vector_stores/ws_42/search", {"query": "leave", "filters": _FILTERS}),
    Good(
        "POST /v1/vector_stores/ws_42/search",
        {
            "query": ["leave", "sick days"],
            "filters": {"type": "eq", "key": "a", "value": "b"},
            "max_num_results": 10,
            "ranking_options": {"ranker": "auto", "score_threshold": 0.4},
            "rewrite_query": False,
            "lighton": {"tag_id": [1]},
        },
    ),
    Good("POST /v1/embeddings", {"model": "m", "input": ["a", "b"], "encoding_format": "base64"}),
    Good("POST /v1/embeddings", {"model": "m", "input": [1, 2], "dimensions": 2, "user": "ann"}),
    Good("POST /v1/rerank", {"model": "m", "query": "q", "documents": ["a", "b"], "top_n": 1}),
    Good("GET /v1/vector_stores?limit=1&order=asc&after=ws_42&before=ws_43"),
    Good("GET /v1/vector_stores/ws_42"),
    Good("GET /v1/files/7"),
    Good("GET /v1/files/7/content"),
    Good("GET /v1/models/m"),
)
_NAMES: Final = (
    "query",
    "filters",
    "type",
    "key",
    "value",
    "max_num_results",
    "ranking_options",
    "score_threshold",
    "rewrite_query",
    "lighton",
    "workspace_id",
    "model",
    "input",
    "documents",
    "top_n",
    "encoding_format",
)


@contextmanager
def other_requests() -> Iterator[Requests]:
    with asyncio.Runner() as runner:
        yield Requests(runner, answering_proxy(), "others", _GOOD, _NAMES)
