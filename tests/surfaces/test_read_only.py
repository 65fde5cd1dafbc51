"""What would change documents."""

from __future__ import annotations

import pytest

from proxy.access.grants import Grant
from tests.support.asgi import ask
from tests.support.keyed import World


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/vector_stores"),
        ("POST", "/v1/vector_stores/ws_1"),
        ("DELETE", "/v1/vector_stores/ws_1"),
        ("POST", "/v1/files"),
        ("DELETE", "/v1/files/7"),
        ("PUT", "/files/7/content"),
    ],
)
async def test_a_change_is_refused_and_told_where_to_make_it(method: str, path: str) -> None:
    world = World({"k": Grant()})
    answer = await ask(world.app, path, {}, method=method, headers={"authorization": "Bearer k"})
    error = answer.json()["error"]
    assert (answer.status, error["code"]) == (405, "method_not_allowed")
    assert f"{path} does not take {method}" in error["message"]
    assert "in LightOn" in error["message"]
    assert answer.headers.get("allow") == (None if path == "/v1/files" else "GET, HEAD")
    assert world.paths == []


async def test_an_address_that_only_refuses_names_no_method() -> None:
    world = World({"k": Grant()})
    assert (await world.get("k", "/v1/files")).status == 404
    assert "allow" not in (await world.post("k", "/v1/files", {})).headers


async def test_a_search_is_no_change_and_takes_no_other_method() -> None:
    world = World({"k": Grant()})
    answer = await world.get("k", "/v1/vector_stores/ws_1/search")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
