"""Which routes the API has, and what the limits of clients count on each."""

from __future__ import annotations

import re

import pytest

from proxy.access.grants import Grant, Limits
from tests.support.keyed import World

ROUTES = [
    "POST /v1/chat/completions",
    "POST /v1/responses",
    "GET /v1/responses/{response_id}",
    "DELETE /v1/responses/{response_id}",
    "GET /v1/responses/{response_id}/input_items",
    "POST /v1/responses/{response_id}/cancel",
    "POST /v1/embeddings",
    "POST /v1/rerank",
    "GET /v1/models",
    "GET /v1/models/{model}",
    "GET /v1/usage",
    "POST /v1/vector_stores/{store_id}/search",
    "GET /v1/vector_stores",
]
"""The first of them, in their order."""


async def test_what_the_api_answers_is_told_in_one_order() -> None:
    answer = await World({"k": Grant()}).get("k", "/v1/assistants")
    told = re.findall(r"(?:GET|POST|DELETE) /v1/[\w/{}]*\w}?", answer.json()["error"]["message"])
    asked, *routes = told
    assert asked == "GET /v1/assistants"
    assert routes[: len(ROUTES)] == ROUTES


@pytest.mark.parametrize("path", ["/v1/usage", "/v1/vector_stores"])
async def test_requests_count_where_no_answer_is_made(path: str) -> None:
    world = World({"k": Grant(limits=Limits(requests_per_minute=1))})
    await world.get("k", path)
    assert (await world.get("k", path)).status == 429


@pytest.mark.parametrize("path", ["/v1/models", "/health"])
async def test_nothing_counts_what_a_client_asks_to_find_its_way(path: str) -> None:
    world = World({"k": Grant(limits=Limits(requests_per_minute=1))})
    assert [(await world.get("k", path)).status for _ in range(3)] == [200] * 3
