"""A list of LightOn's. `test_workspaces.py` and `test_file_list.py` say what is read of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import httpx
import pytest
import respx

from proxy.errors import BadReply
from proxy.upstreams.lighton.lists import MOST_PAGES, Listing
from tests.upstreams.lighton.samples import BASE_URL, lighton

URL = f"{BASE_URL}/api/v3/things"


def listing(router: respx.MockRouter, path: str = "/api/v3/things?of=1") -> Listing:
    return Listing(lighton(httpx.MockTransport(router.async_handler)), path, "things")


async def test_pages_are_asked_for_as_each_says_and_by_its_query_alone(
    router: respx.MockRouter,
) -> None:
    router.get(URL, params={"page": "2", "of": "1"}).respond(json={"results": [{"n": 2}]})
    next_ = "http://elsewhere.test/x?of=1&page=2"
    router.get(URL, params={"of": "1"}).respond(json={"results": [{"n": 1}], "next": next_})
    body = await listing(router).ask(lambda item: item["n"])
    assert body == b'{"results":[1,2]}'
    assert {call.request.url.host for call in router.calls} == {"lighton.test"}


async def test_a_list_that_goes_round_in_circles_ends(router: respx.MockRouter) -> None:
    route = router.get(URL).respond(json={"results": [], "next": f"{URL}?of=1"})
    with pytest.raises(BadReply, match="a list of things that cannot be read"):
        await listing(router).ask(dict)
    assert len(route.calls) == MOST_PAGES


def test_lists_that_differ_have_names_that_differ(router: respx.MockRouter) -> None:
    one = listing(router)
    vendor = replace(one.search.vendor, key="another")
    others = (
        replace(one, path="/api/v3/things?of=2"),
        replace(one, what="others"),
        replace(one, search=replace(one.search, vendor=vendor)),
    )
    assert all(a.name != b.name for a, b in combinations((one, *others), 2))
