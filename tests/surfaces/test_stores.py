"""What a client may reach without a model: never more than it could with one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from proxy.access.clients import Person
from proxy.access.grants import Grant
from tests.support.clock import LIMIT_S, skipping_clock
from tests.support.keyed import PROXYS_KEY, World

ALL = [1, 42, 43]
PROFILES = {"hr": {"workspace_id": [42]}, "all": {}}
ANN = {"ann": ("open", Person("ann"))}


async def listed(world: World, key: str, **headers: str) -> list[int]:
    answer = await world.get(key, "/v1/vector_stores?order=asc", headers)
    assert answer.status == 200
    return [int(each["id"].removeprefix("ws_")) for each in answer.json()["data"]]


async def searchable(world: World, key: str, *ids: int, **headers: str) -> list[int]:
    """Those of some workspaces of which a search brings a passage."""
    found = []
    for each in ids:
        body = {"query": "leave"}
        answer = await world.post(key, f"/v1/vector_stores/ws_{each}/search", body, **headers)
        assert answer.status in {200, 404}
        found += [each] if answer.status == 200 else []
    return found


@pytest.mark.parametrize(
    ("grant", "settings", "ids"),
    [
        (Grant(), {}, ALL),
        (Grant(), {"workspace_id": [1, 42]}, [1, 42]),
        (Grant(workspaces=frozenset({42})), {}, [42]),
        (Grant(workspaces=frozenset({42, 43})), {"workspace_id": [1, 42]}, [42]),
        (Grant(workspaces=frozenset({43})), {"workspace_id": [1, 42]}, []),
        (Grant(workspaces=frozenset()), {}, []),
        (Grant(profiles=frozenset({"hr"}), models=frozenset()), {}, [42]),
        (Grant(profiles=frozenset({"hr"}), models=frozenset({"llama"})), {}, ALL),
        (Grant(profiles=frozenset({"hr", "all"}), models=frozenset()), {}, ALL),
        (Grant(profiles=frozenset(), models=frozenset()), {}, []),
    ],
)
async def test_a_client_reaches_what_settings_key_and_profiles_open(
    grant: Grant, settings: dict[str, Any], ids: list[int]
) -> None:
    profiles = {} if "workspace_id" in settings else PROFILES
    world = World({"k": grant}, {**settings, "profiles": profiles, "default_model": "llama"})
    assert await listed(world, "k") == ids
    assert await searchable(world, "k", *ALL) == ids
    assert {each.workspaces for each in world.searched} == {(each,) for each in ids}


async def test_a_person_reaches_what_rules_open_as_well() -> None:
    rules = ({"user": "*", "workspace_id": [43, 42]},)
    grants = {"open": Grant(workspaces=frozenset({1, 42}))}
    world = World(grants, {"access": rules}, people=ANN)
    assert await listed(world, "ann") == await searchable(world, "ann", *ALL) == [42]


async def test_headers_narrow_what_is_reached() -> None:
    world = World({"k": Grant()})
    narrow = {"x-lighton-workspace-id": "43"}
    assert [each["id"] for each in (await _get(world, narrow))["data"]] == ["ws_43"]
    found = await searchable(world, "k", *ALL, x_lighton_workspace_id="43")
    assert found == [43]


async def _get(world: World, headers: dict[str, str]) -> Any:
    return (await world.get("k", "/v1/vector_stores", headers)).json()


async def test_a_request_that_says_it_searches_nothing_is_refused() -> None:
    world = World({"k": Grant()})
    answer = await world.get("k", "/v1/vector_stores", {"x-lighton-retrieval": "off"})
    assert answer.status == 400
    assert world.paths == []


async def test_a_key_that_may_not_search_reaches_nothing() -> None:
    world = World({"k": Grant(retrieval=frozenset({"off"}))})
    for path in ("/v1/vector_stores", "/v1/vector_stores/ws_1", "/v1/files/7"):
        answer = await world.get("k", path)
        assert (answer.status, answer.json()["error"]["code"]) == (403, "retrieval_not_allowed")
    assert world.paths == []


async def test_a_key_with_a_search_key_of_its_own_sees_the_workspaces_of_that() -> None:
    grants = {"own": Grant(lighton_key_env="OWN"), "common": Grant()}
    world = World(grants, variables={"OWN": "key-of-own"})
    for key in ("own", "common"):
        await listed(world, key)
        await searchable(world, key, 1)
    assert world.listed_for == ["key-of-own", PROXYS_KEY]
    assert [each.key for each in world.searched] == ["key-of-own", PROXYS_KEY]


async def test_of_several_profiles_the_first_that_opens_a_store_says_how_far() -> None:
    profiles = {
        "one": {"workspace_id": [42], "max_results": 3},
        "two": {"workspace_id": [42, 43], "max_results": 4},
    }
    world = World({"k": Grant(models=frozenset())}, {"profiles": profiles, "default_model": "two"})
    assert await listed(world, "k") == await searchable(world, "k", *ALL) == [42, 43]


@pytest.mark.parametrize(
    "path",
    [
        "/vector_stores",
        "/vector_stores/ws_42",
        "/vector_stores/ws_42/search",
        "/vector_stores/ws_42/files",
        "/vector_stores/ws_42/files/42",
        "/files/42",
    ],
)
async def test_nothing_takes_longer_than_an_answer_may(path: str) -> None:
    limits = {"answer_timeout_s": LIMIT_S, "budget_s": LIMIT_S, "search_timeout_s": 100 * LIMIT_S}
    world = World({"k": Grant()}, limits, is_deaf=True)
    is_search = path.endswith("/search")
    reply = (
        world.post("k", f"/v1{path}", {"query": "x"}) if is_search else world.get("k", f"/v1{path}")
    )
    with skipping_clock() as clock:
        asking = asyncio.ensure_future(reply)
        await clock.run_out()
        answer = await asking
    assert (answer.status, answer.json()["error"]["code"]) == (504, "answer_timeout")
