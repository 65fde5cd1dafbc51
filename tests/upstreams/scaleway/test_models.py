from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BadCredentials, BadReply, Overloaded, ProxyError, Unreachable
from proxy.upstreams.http.endpoint import Endpoint
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.scaleway.models import ScalewayModels
from proxy.upstreams.scaleway.replies import CREDENTIALS, NAME
from tests.support.clock import skipping_clock
from tests.upstreams.endpoints import way_over
from tests.upstreams.json_documents import json_values, spoiled, unhurried

BASE_URL = "https://scaleway.test/v1"
TTL_S = 60
KEY = "upstream-secret"
LLAMA = {"id": "llama", "object": "model", "created": 7, "owned_by": "meta"}
QWEN = {"id": "qwen", "object": "model", "created": 8, "owned_by": "alibaba", "vendor": 1}


def listing(*models: Any) -> httpx.Response:
    return httpx.Response(200, json={"object": "list", "data": list(models)})


def models_of(router: respx.MockRouter, ttl_s: float = TTL_S) -> ScalewayModels:
    transport = way_over(httpx.MockTransport(router.async_handler))
    endpoint = Endpoint(NAME, BASE_URL, KEY, transport, 5)
    return ScalewayModels(endpoint, Vendor(NAME, CREDENTIALS, 5, KEY), ttl_s)


@pytest.fixture
def route(router: respx.MockRouter) -> respx.Route:
    return router.get(f"{BASE_URL}/models")


# What the list holds


async def test_the_models_are_those_of_the_upstream(
    router: respx.MockRouter, route: respx.Route
) -> None:
    route.return_value = listing(LLAMA, QWEN)
    assert await models_of(router).all() == (LLAMA, QWEN)
    assert route.calls.last.request.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            {"id": "m"},
            {"id": "m", "object": "model", "created": 0, "owned_by": "scaleway"},
        ),
        (
            {"id": 5, "object": "thing", "created": "today", "owned_by": None},
            {"id": "5", "object": "model", "created": 0, "owned_by": "scaleway"},
        ),
    ],
)
async def test_a_model_has_every_field_that_clients_demand(
    router: respx.MockRouter, route: respx.Route, item: Any, expected: Any
) -> None:
    route.return_value = listing(item)
    assert await models_of(router).all() == (expected,)


async def test_what_is_no_model_is_left_out(router: respx.MockRouter, route: respx.Route) -> None:
    route.return_value = listing(None, 5, "llama", {}, {"id": ""}, {"id": None}, LLAMA)
    assert await models_of(router).all() == (LLAMA,)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[LLAMA]),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"data": {"llama": LLAMA}}),
    ],
)
async def test_a_list_that_cannot_be_read_is_a_bad_reply(
    router: respx.MockRouter, route: respx.Route, answer: httpx.Response
) -> None:
    route.return_value = answer
    with pytest.raises(BadReply):
        await models_of(router).all()


async def test_an_error_of_the_upstream_is_raised(
    router: respx.MockRouter, route: respx.Route
) -> None:
    route.return_value = httpx.Response(403, json={"message": "no permission"})
    with pytest.raises(BadCredentials):
        await models_of(router).all()


LISTINGS = st.fixed_dictionaries(
    {"data": st.lists(st.fixed_dictionaries({"id": st.text(), "created": st.integers(0, 9)}))}
)


@unhurried
@given(spoiled(LISTINGS) | json_values(keys=("data", "id", "error")))
async def test_any_document_is_a_list_of_models_or_an_error(document: Any) -> None:
    router = respx.MockRouter()
    router.get(f"{BASE_URL}/models").respond(json=document)
    try:
        models = await models_of(router).all()
    except ProxyError as error:
        assert type(error) is BadReply  # noqa: PT017  # raising it is one of two right outcomes
    else:
        assert all(type(each["id"]) is str and each["id"] for each in models)


# How long it is kept


async def test_the_list_is_asked_for_once_while_it_is_fresh(
    router: respx.MockRouter, route: respx.Route
) -> None:
    route.side_effect = [listing(LLAMA), listing(QWEN)]
    models = models_of(router)
    with skipping_clock() as clock:
        assert await models.all() == (LLAMA,)
        clock.skip(TTL_S - 1)
        assert await models.all() == (LLAMA,)
        clock.skip(2)
        assert await models.all() == (QWEN,)
    assert route.call_count == 2


async def test_a_list_may_be_kept_for_no_time_at_all(
    router: respx.MockRouter, route: respx.Route
) -> None:
    route.side_effect = [listing(LLAMA), listing(QWEN)]
    models = models_of(router, ttl_s=0)
    assert await models.all() == (LLAMA,)
    assert await models.all() == (QWEN,)


async def all_at_once(
    route: respx.Route, models: ScalewayModels, answer: httpx.Response
) -> list[Any]:
    """What five get who ask while the first one's request is under way."""
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slowly(_: httpx.Request) -> httpx.Response:
        asked.set()
        await may_answer.wait()
        return answer

    route.side_effect = slowly
    asking = [asyncio.create_task(models.all()) for _ in range(5)]
    await asked.wait()
    may_answer.set()
    return await asyncio.gather(*asking, return_exceptions=True)


@pytest.mark.parametrize("ttl_s", [0, TTL_S])
async def test_those_who_ask_at_the_same_time_share_one_request(
    router: respx.MockRouter, route: respx.Route, ttl_s: float
) -> None:
    assert await all_at_once(route, models_of(router, ttl_s), listing(LLAMA)) == [(LLAMA,)] * 5
    assert route.call_count == 1


async def test_those_who_ask_at_the_same_time_share_one_failure(
    router: respx.MockRouter, route: respx.Route
) -> None:
    outcomes = await all_at_once(route, models_of(router), httpx.Response(503))
    assert [type(each) for each in outcomes] == [Overloaded] * 5
    assert route.call_count == 1


async def test_a_failure_is_not_kept(router: respx.MockRouter, route: respx.Route) -> None:
    route.side_effect = [httpx.ReadError("broke"), listing(LLAMA)]
    models = models_of(router)
    with pytest.raises(Unreachable):
        await models.all()
    assert await models.all() == (LLAMA,)


async def test_the_last_known_list_serves_while_the_upstream_fails(
    router: respx.MockRouter, route: respx.Route
) -> None:
    route.side_effect = [listing(LLAMA), httpx.Response(503), listing(QWEN)]
    models = models_of(router)
    with skipping_clock() as clock:
        assert await models.all() == (LLAMA,)
        clock.skip(TTL_S + 1)
        assert await models.all() == (LLAMA,)
        assert await models.all() == (LLAMA,)
        assert route.call_count == 2, "a failing upstream is given the same time as a list"
        clock.skip(TTL_S + 1)
        assert await models.all() == (QWEN,)


async def test_a_request_that_is_given_up_leaves_the_list_to_the_next(
    router: respx.MockRouter, route: respx.Route
) -> None:
    asked = asyncio.Event()

    async def never(_: httpx.Request) -> httpx.Response:
        asked.set()
        return await asyncio.Future()

    route.side_effect = never
    models = models_of(router)
    asking = asyncio.create_task(models.all())
    await asked.wait()
    waiting = asyncio.create_task(models.all())
    route.side_effect = [listing(LLAMA)]
    asking.cancel()
    assert await waiting == (LLAMA,)


# Unknown models


async def test_a_model_that_is_not_listed_is_surely_lacking(
    router: respx.MockRouter, route: respx.Route
) -> None:
    route.return_value = listing(LLAMA)
    models = models_of(router)
    assert await models.surely_lacks("gpt-4o")
    assert not await models.surely_lacks("llama")


async def test_without_a_list_no_model_is_surely_lacking(
    router: respx.MockRouter, route: respx.Route
) -> None:
    route.side_effect = httpx.ConnectError("down")
    assert not await models_of(router).surely_lacks("gpt-4o")
