"""Workspaces as vector stores. `test_stores.py` says which of them a client reaches."""

from __future__ import annotations

import pytest
from openai.types import VectorStore

from proxy.access.grants import Grant
from tests.support.keyed import World


@pytest.fixture
def world() -> World:
    return World({"k": Grant(workspaces=frozenset({42, 43}))})


async def test_a_list_holds_openai_s_objects(world: World) -> None:
    document = (await world.get("k", "/v1/vector_stores")).json()
    for each in document["data"]:
        VectorStore.model_validate(each, strict=True)
    assert {name: document[name] for name in ("object", "first_id", "last_id", "has_more")} == {
        "object": "list",
        "first_id": "ws_43",
        "last_id": "ws_42",
        "has_more": False,
    }
    assert document["data"][1]["name"] == "Team 42"
    assert document["data"][1]["file_counts"]["total"] == 3


async def test_an_empty_list_is_no_error() -> None:
    world = World({"k": Grant(workspaces=frozenset())})
    document = (await world.get("k", "/v1/vector_stores")).json()
    assert (document["data"], document["first_id"], document["last_id"]) == ([], None, None)
    assert world.paths == []


async def test_a_list_comes_in_pages(world: World) -> None:
    first = (await world.get("k", "/v1/vector_stores?limit=1")).json()
    assert (first["last_id"], first["has_more"]) == ("ws_43", True)
    rest = (await world.get("k", f"/v1/vector_stores?after={first['last_id']}")).json()
    assert (rest["last_id"], rest["has_more"]) == ("ws_42", False)
    wrong = await world.get("k", "/v1/vector_stores?limit=0")
    assert (wrong.status, wrong.json()["error"]["param"]) == (400, "limit")


async def test_one_store_is_that_of_the_list(world: World) -> None:
    listed = (await world.get("k", "/v1/vector_stores")).json()["data"]
    assert (await world.get("k", "/v1/vector_stores/ws_43/")).json() == listed[0]
    assert world.paths == ["/api/v3/workspaces"]  # and it is kept


async def test_a_store_out_of_scope_is_missing_in_the_same_words_as_any_other(
    world: World,
) -> None:
    said = set()
    for store_id in ("ws_1", "ws_7", "nonsense"):  # LightOn lists the first one
        answer = await world.get("k", f"/v1/vector_stores/{store_id}")
        assert (answer.status, answer.json()["error"]["param"]) == (404, "vector_store_id")
        said.add(answer.json()["error"]["message"].replace(store_id, "X"))
    assert len(said) == 1


async def test_a_list_that_lighton_does_not_give_is_its_error() -> None:
    world = World({"k": Grant()}, {"lighton_base_url": "http://lighton.test/elsewhere"})
    answer = await world.get("k", "/v1/vector_stores")
    assert (answer.status, answer.json()["error"]["code"]) == (502, "upstream_bad_reply")
