"""The documents of a workspace: which of what LightOn lists count, and how many may be listed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import respx

from proxy.errors import BadCredentials, BadReply, BadRequest
from proxy.state.memory_store import MemoryStore
from proxy.upstreams.lighton.file_list import MOST, LightOnFileList
from proxy.upstreams.lighton.lists import Lists
from tests.upstreams.lighton.samples import BASE_URL, lighton

URL = f"{BASE_URL}/api/v3/files"


def document(id: Any, workspace: Any = 42, **more: Any) -> dict[str, Any]:
    return {"id": id, "filename": f"{id}.pdf", "workspace": {"id": workspace}, **more}


def page(*results: Any, **more: Any) -> dict[str, Any]:
    return {"count": len(results), "next": None, "results": list(results), **more}


def listed(router: respx.MockRouter) -> LightOnFileList:
    upstream = lighton(httpx.MockTransport(router.async_handler))
    return LightOnFileList(upstream, Lists(MemoryStore(1_000_000), 60))


async def test_all_pages_of_one_workspace_are_read_and_kept(router: respx.MockRouter) -> None:
    more = {"workspace_id": "42", "page": "2"}
    second = router.get(URL, params=more).respond(json=page(document(2)))
    next_ = f"{URL}?page=2&workspace_id=42"
    first = router.get(URL, params={"workspace_id": "42"})
    first.respond(json=page(document(1, summaries=["x" * 9_000]), document(2), next=next_))
    files = listed(router)
    for _ in range(2):
        assert [each.file.name for each in await files.of(42)] == ["1.pdf", "2.pdf"]
    assert (len(first.calls), len(second.calls)) == (1, 1)
    store = files.lists.store
    assert isinstance(store, MemoryStore)
    assert store._bytes < 1_000, "summaries are not kept"
    other = router.get(URL, params={"workspace_id": "4"}).respond(json=page(document(3, 4)))
    assert [each.file.id for each in await files.of(4)] == [3]
    assert len(other.calls) == 1


@pytest.mark.parametrize("workspace", [None, {}, {"id": "42"}, {"id": 43}, 42])
async def test_what_does_not_say_that_it_is_in_the_workspace_does_not_count(
    router: respx.MockRouter, workspace: Any
) -> None:
    """As if the server did not know the filter."""
    items = [{**document(1), "workspace": workspace}, document(2)]
    router.get(URL).respond(json=page(*items, document("3"), document(-4)))
    assert [each.file.id for each in await listed(router).of(42)] == [2]


async def test_a_workspace_of_very_many_files_is_refused_after_its_first_page(
    router: respx.MockRouter,
) -> None:
    route = router.get(URL).respond(json=page(document(1), count=MOST + 1, next=f"{URL}?page=2"))
    with pytest.raises(BadRequest, match=f"has {MOST + 1} files, and up to {MOST}") as caught:
        await listed(router).of(42)
    assert caught.value.param == "vector_store_id"
    assert len(route.calls) == 1


async def test_what_cannot_be_read_and_a_refusal_are_lightons_faults(
    router: respx.MockRouter,
) -> None:
    route = router.get(URL).respond(json={"results": [1]})
    with pytest.raises(BadReply, match="a list of files that cannot be read"):
        await listed(router).of(42)
    route.respond(403, json={"detail": "No."})
    with pytest.raises(BadCredentials):
        await listed(router).of(42)
