"""The list of workspaces: its pages, what is kept of it, and what cannot be read."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given

from proxy.core.effort import Effort
from proxy.core.stores import Workspace
from proxy.errors import BadCredentials, BadReply, Overloaded
from proxy.state.memory_store import MemoryStore
from proxy.upstreams.lighton.lists import MOST_PAGES, Lists
from proxy.upstreams.lighton.workspaces import LightOnWorkspaces
from tests.upstreams.json_documents import json_values, unhurried
from tests.upstreams.lighton.samples import BASE_URL, KEY, lighton, retries

URL = f"{BASE_URL}/api/v3/workspaces"
TEAM = {
    "id": 42,
    "name": "Team",
    "files_count": 3,
    "created_at": "1970-01-01T00:01:00Z",
    "updated_at": "1970-01-01T00:02:00Z",
    "description": "All of it.",
    "user_role": "viewer",
    "scoped_api_keys": [{"prefix": "secret"}],
}


def listed(router: respx.MockRouter, ttl_s: float = 60, **changes: Any) -> LightOnWorkspaces:
    upstream = lighton(httpx.MockTransport(router.async_handler), **changes)
    return LightOnWorkspaces(upstream, Lists(MemoryStore(1_000_000), ttl_s))


def page(*items: Any, next_: Any = None) -> dict[str, Any]:
    return {"count": 9, "next": next_, "previous": None, "results": list(items)}


async def test_a_workspace_is_read_with_all_that_lists_show(router: respx.MockRouter) -> None:
    route = router.get(URL).respond(json=page(TEAM))
    assert await listed(router).all() == (
        Workspace(42, "Team", 3, 60, 120, "All of it.", "viewer"),
    )
    assert route.calls.last.request.headers["authorization"] == f"Bearer {KEY}"


async def test_all_pages_are_read_whatever_host_they_name(router: respx.MockRouter) -> None:
    second = page({"id": 2}, TEAM, next_="/api/v3/workspaces?page=3")
    router.get(URL, params={"page": "3"}).respond(json=page({"id": 3}))
    router.get(URL, params={"page": "2"}).respond(json=second)
    router.get(URL).respond(json=page(TEAM, next_="http://elsewhere.test/x?page=2"))
    assert [each.id for each in await listed(router).all()] == [42, 2, 3]
    assert {call.request.url.host for call in router.calls} == {"lighton.test"}


@pytest.mark.parametrize("address", ["/x", 5, "http://[", "/x?a b", "/x?" + "p" * 501, "/x?a\r\nb"])
async def test_an_address_that_is_no_page_is_no_list(
    router: respx.MockRouter, address: object
) -> None:
    router.get(URL).respond(json=page(TEAM, next_=address))
    with pytest.raises(BadReply, match="list of workspaces"):
        await listed(router).all()


async def test_a_list_without_an_end_is_given_up(router: respx.MockRouter) -> None:
    router.get(URL).respond(json=page(TEAM, next_=f"{URL}?page=2"))
    with pytest.raises(BadReply):
        await listed(router).all()
    assert router.calls.call_count == MOST_PAGES


async def test_a_list_is_kept_and_a_failure_is_not(router: respx.MockRouter) -> None:
    workspaces = listed(router)
    router.get(URL).respond(503, json={"detail": "Later.", "error": "service_maintenance"})
    with pytest.raises(Overloaded):
        await workspaces.all()
    router.get(URL).respond(json=page(TEAM))
    assert await workspaces.all() == await workspaces.all()
    assert router.calls.call_count == 2


async def test_another_key_has_a_list_of_its_own(router: respx.MockRouter) -> None:
    router.get(URL).respond(json=page(TEAM))
    first = listed(router)
    await first.all()
    router.get(URL).respond(json=page({"id": 7}))
    vendor = replace(first.search.vendor, key="another-key")
    other = replace(first, search=replace(first.search, vendor=vendor))
    assert [each.id for each in await other.all()] == [7]


async def test_a_bad_key_is_told_as_one(router: respx.MockRouter) -> None:
    router.get(URL).respond(401, json={"detail": "No.", "error": "x"})
    with pytest.raises(BadCredentials, match="LIGHTON_API_KEY"):
        await listed(router).all()


async def test_a_refused_request_is_sent_again(router: respx.MockRouter) -> None:
    router.get(URL).side_effect = [httpx.Response(503), httpx.Response(200, json=page(TEAM))]
    workspaces = listed(router)
    effort = Effort()
    patient = replace(workspaces, search=replace(workspaces.search, retries=retries(effort)))
    assert len(await patient.all()) == 1
    assert effort.timeline.retry_causes == ["status_503"]


@pytest.mark.parametrize("item", [{"id": "42"}, {"id": True}, {"id": -1}, {}])
async def test_what_has_no_id_is_left_out(router: respx.MockRouter, item: object) -> None:
    router.get(URL).respond(json=page(item, TEAM))
    assert [each.id for each in await listed(router).all()] == [42]


async def test_what_is_missing_or_of_the_wrong_type_counts_as_absent(
    router: respx.MockRouter,
) -> None:
    router.get(URL).respond(json=page({"id": 1, "name": "", "files_count": "3", "created_at": 5}))
    assert await listed(router).all() == (Workspace(1, "workspace 1"),)


@unhurried
@given(json_values(keys=("results", "next", "id", "name")))
async def test_whatever_comes_is_a_list_or_a_bad_reply(document: Any) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=document))
    workspaces = LightOnWorkspaces(lighton(transport), Lists(MemoryStore(0), 0))
    with suppress(BadReply):
        assert isinstance(await workspaces.all(), tuple)
