from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.access.clients import ANYBODY, Client, Person
from proxy.access.grants import Grant
from proxy.core.effort import Effort
from proxy.core.search_tool import Search
from proxy.errors import BadCredentials, OutOfReach, Overloaded, SearchKeyMissing, UpstreamRejected
from proxy.upstreams.lighton.clients import ClientSearches
from proxy.upstreams.lighton.scope import LightOnScope
from tests.upstreams.lighton.samples import KEY, SEARCH, item, lighton, retries
from tests.upstreams.raw_server import PATIENCE_S

SCOPE = LightOnScope(workspace_id=(42,))
OWN, OTHER = "own-search-secret", "other-search-secret"
ANN, BOB = Client("ann", "1"), Client("bob", "2")
ACME = Client("acme", "3", Grant(lighton_key_env="ACME_KEY"))
ZETA = Client("zeta", "4", Grant(lighton_key_env="ZETA_KEY"))
GONE = Client("gone", "5", Grant(lighton_key_env="GONE_KEY"))


class Vendor:
    """Answers every search, perhaps with an error, and notes the key of each."""

    def __init__(self, status: int = 200, document: object = None) -> None:
        self.keys: list[str] = []
        self._status = status
        self._document = {"results": [item()]} if document is None else document
        self.waits_for: int = 0
        """How many searches must be there before any is answered."""
        self._all_there = asyncio.Event()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers["authorization"].removeprefix("Bearer "))
        if len(self.keys) >= self.waits_for:
            self._all_there.set()
        await self._all_there.wait()
        return httpx.Response(self._status, json=self._document)


def searches(vendor: Vendor, keys: Mapping[str, str] | None = None) -> ClientSearches:
    known = {"ACME_KEY": OWN, "ZETA_KEY": OTHER} if keys is None else keys
    return ClientSearches(lighton(httpx.MockTransport(vendor), ttl_s=60), known.get)


async def test_equal_searches_of_one_client_are_one() -> None:
    vendor = Vendor()
    all_ = searches(vendor)
    first, second = [await all_.of(ANN).search(SEARCH, SCOPE) for _ in range(2)]
    assert second == first._replace(is_shared=True)
    assert vendor.keys == [KEY]


async def test_the_retries_of_one_answer_are_not_those_of_another() -> None:
    all_, mine = searches(Vendor(503)), Effort()
    assert all_.of(ANN).retries.effort is not all_.of(ANN).retries.effort
    with pytest.raises(Overloaded):
        await all_.of(ANN, retries(mine)).search(SEARCH, SCOPE)
    with pytest.raises(Overloaded):
        await all_.of(ANN).search(SEARCH, SCOPE)
    assert mine.timeline.retry_causes == ["status_503"] * 2


@pytest.mark.parametrize(
    "other", [BOB, ANYBODY, ACME, Client("ann", "2"), Client("ann"), Client("1", "ann")]
)
async def test_a_result_of_one_client_serves_no_other_one(other: Client) -> None:
    vendor = Vendor()
    all_ = searches(vendor)
    await all_.of(ANN).search(SEARCH, SCOPE)
    await all_.of(other).search(SEARCH, SCOPE)
    assert len(vendor.keys) == 2


PEOPLE = [
    replace(key, person=person)
    for key in (ANN, BOB, ACME, Client("ann"), Client("1", "ann"))
    for person in (None, Person("ann"), Person("bob"), Person("1"), Person(KEY))
]
STEPS = st.lists(
    st.tuples(st.sampled_from(range(len(PEOPLE))), st.sampled_from(["leave", "pay"])), max_size=30
)


@given(STEPS)
def test_people_and_keys_have_results_and_sightings_of_their_own(
    steps: list[tuple[int, str]],
) -> None:
    async def play() -> None:
        vendor, asked = Vendor(), set[tuple[int, str]]()
        all_ = searches(vendor)
        for who, query in steps:
            asked.add((who, query))
            await all_.of(PEOPLE[who]).search(Search(query, 5), SCOPE)
            assert len(vendor.keys) == len(asked)
        for who, client in enumerate(PEOPLE):
            has_asked = any(each == who for each, _ in asked)
            assert all_.of(client).has_seen(SCOPE, 7) is has_asked

    asyncio.run(play())


async def test_equal_searches_of_two_clients_at_once_are_two() -> None:
    vendor = Vendor()
    vendor.waits_for = 2
    all_ = searches(vendor)
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
        for client in (ANN, BOB, ANN):
            tasks.create_task(all_.of(client).search(SEARCH, SCOPE))
    assert len(vendor.keys) == 2


async def test_a_client_with_a_key_of_its_own_searches_with_it_and_with_no_other() -> None:
    vendor = Vendor()
    all_ = searches(vendor)
    for client in (ACME, ZETA, ANN, ACME):
        await all_.of(client).search(SEARCH, SCOPE)
    assert vendor.keys == [OWN, OTHER, KEY]


def test_a_client_whose_key_is_not_set_does_not_get_the_proxys() -> None:
    with pytest.raises(SearchKeyMissing, match="must set GONE_KEY"):
        searches(Vendor()).of(GONE)


def test_clients_with_keys_of_their_own_share_the_connections() -> None:
    all_ = searches(Vendor())
    common, own = all_.of(ANN).endpoint, all_.of(ACME).endpoint
    assert own.transport is common.transport
    assert all_.of(ACME).endpoint is own
    assert own is not common


async def test_a_key_of_its_own_that_changes_is_a_new_key() -> None:
    vendor, keys = Vendor(), {"ACME_KEY": "old"}
    all_ = searches(vendor, keys)
    await all_.of(ACME).search(SEARCH, SCOPE)
    keys["ACME_KEY"] = "new"
    await all_.of(ACME).search(SEARCH, SCOPE)
    assert vendor.keys == ["old", "new"]


@pytest.mark.parametrize("secret", [OWN, OTHER])
def test_no_key_is_shown(secret: str) -> None:
    all_ = searches(Vendor())
    own = [all_.of(ACME), all_.of(ZETA)]
    assert secret not in repr(all_) + repr(own)


async def test_an_error_does_not_repeat_a_clients_own_key() -> None:
    for status, kind in ((422, UpstreamRejected), (403, OutOfReach)):
        vendor = Vendor(status, {"detail": f"What is {OWN}?"})
        with pytest.raises(kind) as caught:
            await searches(vendor).of(ACME).search(SEARCH, SCOPE)
        assert OWN not in caught.value.message + caught.value.said
        assert "[key]" in caught.value.message


async def test_a_warning_does_not_repeat_a_clients_own_key() -> None:
    warned = {"results": [], "warnings": [{"code": "x", "reason": f"{OWN} is old"}]}
    found = await searches(Vendor(200, warned)).of(ACME).search(SEARCH, SCOPE)
    assert found.warnings == ({"code": "x", "reason": "[key] is old"},)


async def test_a_key_of_its_own_that_lighton_rejects_is_named_by_its_variable(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(BadCredentials, match="must check ACME_KEY and what"):
        await searches(Vendor(401, {"detail": OWN})).of(ACME).search(SEARCH, SCOPE)
    assert "ACME_KEY" in caplog.text
    assert OWN not in caplog.text
