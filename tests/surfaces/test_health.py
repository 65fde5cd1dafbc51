from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import respx
from starlette.types import Receive, Scope, Send

from proxy.surfaces.health import STOPPING, Health, Ready
from proxy.upstreams.http.endpoint import Endpoint
from proxy.upstreams.http.over_httpx import OverHttpx
from tests.support.asgi import Answer, ask
from tests.support.clock import skipping_clock

pytestmark = pytest.mark.usefixtures("scaleway", "lighton")

TTL_S = 5
SECRET = "upstream-secret"
SCALEWAY = "https://scaleway.test/v1/models"
LIGHTON = "https://lighton.test/"


@pytest.fixture
def router() -> respx.MockRouter:
    return respx.MockRouter()


@pytest.fixture
def scaleway(router: respx.MockRouter) -> respx.Route:
    return router.get(SCALEWAY).respond(200)


@pytest.fixture
def lighton(router: respx.MockRouter) -> respx.Route:
    return router.get(LIGHTON).respond(404)


@pytest.fixture
def ready(router: respx.MockRouter) -> Ready:
    transport = OverHttpx(httpx.MockTransport(router.async_handler))
    return Ready(
        (
            (Endpoint("LightOn", "https://lighton.test", SECRET, transport, 5), "/"),
            (Endpoint("Scaleway", "https://scaleway.test/v1", SECRET, transport, 5), "/models"),
        ),
        TTL_S,
    )


async def get(app: Health | Ready) -> Answer:
    return await ask(app, "/ready", method="GET", content=b"")


def state(answer: Answer) -> dict[str, Any]:
    upstreams: dict[str, Any] = answer.json()["upstreams"]
    return upstreams


async def test_the_process_is_up() -> None:
    answer = await get(Health())
    assert (answer.status, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("status", [200, 302, 401, 404, 429, 500, 503])
async def test_it_is_ready_when_both_upstreams_answer_whatever_they_answer(
    ready: Ready, scaleway: respx.Route, status: int
) -> None:
    scaleway.respond(status)
    answer = await get(ready)
    assert answer.status == 200
    assert answer.json() == {"status": "ok", "upstreams": {"LightOn": "ok", "Scaleway": "ok"}}


async def test_nothing_is_billed_for_it(router: respx.MockRouter, ready: Ready) -> None:
    await get(ready)
    assert [(each.request.method, each.request.url) for each in router.calls] == [
        ("GET", LIGHTON),
        ("GET", SCALEWAY),
    ]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (httpx.ConnectError(SECRET), "LightOn could not be reached. Try again later."),
        (httpx.ReadTimeout(SECRET), "LightOn did not answer in time. Try again later."),
    ],
)
async def test_it_is_not_ready_while_an_upstream_does_not_answer_and_says_which(
    ready: Ready, lighton: respx.Route, fault: Exception, told: str
) -> None:
    lighton.side_effect = fault
    answer = await get(ready)
    assert answer.status == 503
    assert answer.json() == {
        "status": "unavailable",
        "upstreams": {"LightOn": told, "Scaleway": "ok"},
    }


async def test_an_upstream_that_says_nothing_is_not_waited_for(
    ready: Ready, lighton: respx.Route
) -> None:
    asked = asyncio.Event()

    async def never(_: httpx.Request) -> httpx.Response:
        asked.set()
        return await asyncio.Future()

    lighton.side_effect = never
    with skipping_clock() as clock:
        asking = asyncio.create_task(get(ready))
        await asked.wait()
        clock.skip(6)
        answer = await asking
    assert answer.status == 503
    assert state(answer) == {
        "LightOn": "LightOn did not answer in time. Try again later.",
        "Scaleway": "ok",
    }


async def test_good_news_and_bad_are_kept_for_a_while(
    ready: Ready, scaleway: respx.Route, lighton: respx.Route
) -> None:
    with skipping_clock() as clock:
        assert (await get(ready)).status == 200
        lighton.side_effect = httpx.ConnectError("down")
        clock.skip(TTL_S - 1)
        assert (await get(ready)).status == 200
        assert (scaleway.call_count, lighton.call_count) == (1, 1)
        clock.skip(2)
        assert (await get(ready)).status == 503
        lighton.side_effect = None
        clock.skip(TTL_S - 1)
        assert (await get(ready)).status == 503
        clock.skip(2)
        assert (await get(ready)).status == 200


async def test_those_who_ask_at_the_same_time_share_one_check(
    ready: Ready, scaleway: respx.Route
) -> None:
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slowly(_: httpx.Request) -> httpx.Response:
        asked.set()
        await may_answer.wait()
        return httpx.Response(200)

    scaleway.side_effect = slowly
    asking = [asyncio.create_task(get(ready)) for _ in range(5)]
    await asked.wait()
    may_answer.set()
    answers = await asyncio.gather(*asking)
    assert [answer.status for answer in answers] == [200] * 5
    assert scaleway.call_count == 1


async def test_a_server_that_stops_is_not_ready_and_asks_nobody(
    router: respx.MockRouter, ready: Ready
) -> None:
    async def stopping(scope: Scope, receive: Receive, send: Send) -> None:
        await ready({**scope, "state": {STOPPING: True}}, receive, send)

    answer = await ask(stopping, "/", method="GET")
    assert (answer.status, answer.json()) == (503, {"status": "stopping"})
    assert not router.calls
